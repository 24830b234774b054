import { readFileSync } from "node:fs";
import { join } from "node:path";

import { manifestSchema } from "@atelier/schema/manifest";
import { modelPageText } from "@atelier/schema/model-page";
import { expect, it } from "vitest";

import { seedPage } from "../wire/seed-page.ts";

const root = join(import.meta.dirname, "../..");
const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(root, "models/baroque-space-opera-v1.json"), "utf8")));

const collapsed = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

it("the page of the seed's model is the seed page, but for white space and addresses", () => {
  const text = modelPageText(manifest, {
    api: "https://api.wiro.ai/v1",
    outputs: "https://cdn1.wiro.ai",
    cover: "https://cdn.wiro.ai/uploads/models/ArsMachina-Baroque-Space-Opera-v1-cover.jpeg",
  });
  expect(collapsed(text)).toBe(collapsed(seedPage));
});
