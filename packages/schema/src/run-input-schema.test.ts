import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, it } from "vitest";

import { manifestSchema } from "./manifest.ts";
import { parseInput } from "./parse-input.ts";
import { runInputSchema } from "./run-input-schema.ts";

const manifest = manifestSchema.parse({
  id: "1",
  owner: "a",
  slug: "b",
  title: "B",
  description: "",
  cover: "",
  categories: ["model"],
  cps: "0.000000000000",
  parameters: [
    {
      title: "",
      items: [
        { id: "prompt", type: "textarea", label: "prompt", required: true },
        { id: "steps", type: "number", label: "steps", default: "4", min: 1, max: 9 },
        { id: "scale", type: "float", label: "scale", default: "2", min: 0.5, max: 9.5 },
        { id: "shift", type: "range", label: "shift", default: "0", min: -1, max: 1 },
        { id: "style", type: "select", label: "style", options: [{ label: "x", value: "x" }, { label: "0", value: "0" }] },
        { id: "tile", type: "checkbox", label: "tile" },
        { id: "era", type: "selectwithcover", label: "era", options: [{ label: "x", value: "x", cover: "samples/x.jpg" }] },
        { id: "panels", type: "integer", label: "panels", default: "4", min: 1, max: 9 },
        { id: "grain", type: "numeric", label: "grain", default: "2", min: 0.5, max: 9.5 },
        { id: "motifs", type: "multiselect", label: "motifs", max: 2, options: ["x", "0", "3"].map((value) => ({ label: value, value })) },
        { id: "ground", type: "color", label: "ground" },
        { id: "seed", type: "text", label: "seed", role: "seed", min: 0, max: 4_294_967_295 },
      ],
    },
  ],
  variants: [{ name: "v", engine: "fake", base: "." }],
});
const parameters = manifest.parameters.flatMap((group) => group.items);
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(runInputSchema(manifest));
const accepts = (input: Record<string, unknown>): boolean =>
  parseInput(parameters, input, { drawSeed: () => 0, textCharacters: 20_000 }).ok;

const values = fc.oneof(
  fc.constantFrom("", null, 0, -1, "x", "0", true, "on", "1e0", " 3 ", "1.5", 0.5, 9.5, 1e300, "0x1", "-1", "y"),
  fc.integer({ min: -2, max: 11 }),
  fc.double({ min: -2, max: 11, noNaN: true }),
  fc.integer({ min: 0, max: 2 ** 33 }),
  fc.double({ noNaN: true }),
  fc.string(),
  fc.boolean(),
  fc.constantFrom("#fff", "x,3", '["x"]', "A0B1C2", 123, 123456),
);
const lists = fc.array(fc.constantFrom("x", "0", 0, 3, "", null, "y"), { maxLength: 3 });
const pair = fc.oneof(fc.tuple(fc.constantFrom(...parameters.map(({ id }) => id)), values), fc.tuple(fc.constant("motifs"), lists));
const inputs = fc.array(pair, { maxLength: 2 }).map((pairs) => ({ prompt: "p", ...Object.fromEntries(pairs) }));

it("takes every input that the server takes", () => {
  let accepted = 0;
  fc.assert(
    fc.property(inputs, (input) => {
      // JSON has no infinity: what a client sends has gone through JSON once.
      const sent = JSON.parse(JSON.stringify(input)) as Record<string, unknown>;
      if (!accepts(sent)) return;
      accepted += 1;
      expect(validate(sent), JSON.stringify([sent, validate.errors])).toBe(true);
    }),
    { numRuns: 20_000, seed: 12 },
  );
  expect(accepted).toBeGreaterThan(5_000);
});

it.each([
  [{}, false],
  [{ prompt: "p" }, true],
  [{ prompt: "p", steps: 10 }, false],
  [{ prompt: "p", steps: 1.5 }, false],
  [{ prompt: "p", steps: 0 }, true],
  [{ prompt: "p", scale: 0.4 }, false],
  [{ prompt: "p", style: "y" }, false],
  [{ prompt: "p", tile: "perhaps" }, false],
  [{ prompt: "p", seed: "four" }, false],
  [{ prompt: "p", motifs: ["x", "y"] }, false],
  [{ prompt: "p", motifs: ["x", "3"] }, true],
  [{ prompt: "p", motifs: "x,3" }, true],
  [{ prompt: "p", ground: "white" }, false],
  [{ prompt: "p", ground: "#A0b1c2" }, true],
  [{ prompt: "p", panels: 1.5 }, false],
  [{ prompt: "p", era: "y" }, false],
  [{ prompt: "p", seed: -1, shift: -0.5, unknown: {} }, true],
])("%j: %s, as the server answers", (input, expected) => {
  expect(validate(input)).toBe(expected);
  expect(accepts(input)).toBe(expected);
});
