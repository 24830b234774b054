import fc from "fast-check";
import { expect, it } from "vitest";

import { lineOfPath } from "./json-position.ts";

const text = `{
  "a\\"{": [1, "]},", {
    "b": true
  }],
  "c" :
    "x"
}`;

it.each([
  [[], 1],
  [['a"{'], 2],
  [['a"{', 1], 2],
  [['a"{', 2, "b"], 3],
  [["c"], 6],
  [["missing"], 1],
  [['a"{', 2, "missing", "deeper"], 2],
  [['a"{', 9], 2],
] as const)("the value at %j stands on line %i", (path, line) => {
  expect(lineOfPath(text, path)).toBe(line);
});

it("finds every member of any object that is written one per line", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 }), (object) => {
      // A member called __proto__ is lost by JSON.parse of this test's own copy, not by the text.
      const members = Object.entries(object).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
      const written = `{\n${members.join(",\n")}\n}`;
      for (const [index, name] of Object.keys(object).entries()) expect(lineOfPath(written, [name])).toBe(index + 2);
    }),
    { numRuns: 300, seed: 5 },
  );
});
