import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, it } from "vitest";
import { z } from "zod";

import { manifestSchema, parameterSchema, priceSchema, variantSchema } from "../../packages/schema/src/manifest.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/manifest.md"), "utf8");

/** Field and whether it is needed, as the page's table under a heading says. */
function documented(heading: string): [string, boolean][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  return [...section.matchAll(/^\| `([A-Za-z]+)` \| ([^|]*)\|/gm)].map((match) => [match[1] ?? "", match[2]?.trim() === "yes"]);
}

it.each([
  ["model", manifestSchema],
  ["parameter", parameterSchema],
  ["price", priceSchema],
  ["variant", variantSchema],
])("the page lists the fields of a %s, and says which are needed, as the schema does", (heading, schema) => {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  expect(documented(heading).toSorted()).toEqual(Object.keys(properties).map((name) => [name, required.includes(name)]).toSorted());
});
