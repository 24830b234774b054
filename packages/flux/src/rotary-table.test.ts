import { expect, test } from "vitest";
import { rotaryTable } from "./rotary-table.ts";
import { readGolden, relativeError } from "./testing/golden.ts";

test("the tables equal those of diffusers, which hold every value twice", async () => {
  const { inputs } = await readGolden("double-block");
  const table = rotaryTable({ textTokens: 8, rows: 4, columns: 6, axes: [8, 12, 12] });
  for (const [name, own] of [["rope_cos", table.cos], ["rope_sin", table.sin]] as const) {
    const everySecond = inputs.get(name)!.filter((_, i) => i % 2 === 0); // the golden file has it
    expect(relativeError(own, everySecond)).toBeLessThan(1e-6);
  }
});

test("text tokens all stand at the origin", () => {
  const { cos, sin } = rotaryTable({ textTokens: 3, rows: 1, columns: 1, axes: [16, 56, 56] });
  expect(cos.every((value) => value === 1)).toBe(true);
  expect(sin.every((value) => value === 0)).toBe(true);
});
