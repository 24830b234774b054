import { describe, expect, it } from "vitest";

import { cleanSlug } from "./manifest.ts";
import { modelKey, slugKey } from "./slug.ts";

describe("slugKey", () => {
  it.each([
    ["Baroque-Space-Opera-v1", "baroque-space-opera-v1"],
    [" resemble-ai", "resemble-ai"],
    ["Virtual Try-On", "virtual-try-on"],
    ["Virtual  Try-On\t", "virtual-try-on"],
    ["seedream-v4.5", "seedream-v4-5"],
    ["SEEDREAM-V4-5", "seedream-v4-5"],
  ])("gives %j the key %j", (spelling, key) => {
    expect(slugKey(spelling)).toBe(key);
  });

  it("gives a clean slug the key of the display form it was made from", () => {
    for (const display of ["Virtual Try-On", "Baroque-Space-Opera-v1", " v1.5 "]) {
      expect(slugKey(cleanSlug(display))).toBe(slugKey(display));
    }
  });
});

describe("modelKey", () => {
  it("keeps owner and slug apart", () => {
    expect(modelKey({ owner: "ArsMachina", slug: "Baroque Space Opera v1" })).toBe("arsmachina/baroque-space-opera-v1");
  });
});
