import { expect, it } from "vitest";

import type { Parameter } from "./manifest.ts";
import { listedTexts } from "./parse-choices.ts";
import { parseFiles } from "./parse-files.ts";

/** More than any form has, and than the arguments that one call takes. */
const many = 400_000;
const most = 20_000;

it("a list of choices that is longer than any text is no list, in whatever form it comes", () => {
  expect(listedTexts("a,".repeat(many), most)).toBeUndefined();
  expect(listedTexts(`["b"${',"b"'.repeat(many)}]`, most)).toBeUndefined();
  expect(listedTexts(Array.from({ length: many }, () => "c"), most)).toBeUndefined();
  expect(listedTexts(Array.from({ length: 1_001 }, () => null), most)).toBeUndefined();
  expect(listedTexts(Array.from({ length: 100 }, () => "d".repeat(300)), most)).toBeUndefined();
});

it("the longest list of choices is read", () => {
  expect(listedTexts("a,".repeat(most / 2), most)).toEqual(["a"]);
  expect(listedTexts(Array.from({ length: 1_000 }, () => "c"), most)).toEqual(["c"]);
});

const rules = { fileParts: {}, most: 4, urlCharacters: 2_000 };
const parameter = { id: "inputImage", type: "multifileinput", required: true, default: "" } as Parameter;

it.each([
  ["JSON text", `["/a"${',"/a"'.repeat(many)}]`],
  ["text with commas", "/a,".repeat(many)],
  ["a list", Array.from({ length: many }, () => "/a")],
])("a list of files that is too long to be looked at is refused: %s", (_form, inputImage) => {
  expect(parseFiles(parameter, { inputImage }, rules)).toEqual({ problem: "PARAMETER_INVALID" });
  expect(parseFiles(parameter, { inputImageUrl: inputImage }, rules)).toEqual({ problem: "PARAMETER_INVALID" });
});

it("as many of the longest addresses as may be are read, in every form, and one more is out of range", () => {
  const address = "https://host/".padEnd(rules.urlCharacters, "a");
  const addresses = Array.from({ length: rules.most }, () => address);
  for (const inputImage of [addresses, addresses.join(","), JSON.stringify(addresses)]) {
    expect(parseFiles(parameter, { inputImage }, rules)).toEqual({ files: addresses.map((url) => ({ url })) });
  }
  expect(parseFiles(parameter, { inputImage: Array.from({ length: 5 }, () => "/a") }, rules)).toEqual({ problem: "PARAMETER_OUT_OF_RANGE" });
});
