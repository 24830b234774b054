import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16 } from "./half-floats.ts";

describe("bfloat16", () => {
  test("every pattern that is a number survives the way to float32 and back", () => {
    const patterns = Uint16Array.from({ length: 0x10000 }, (_, i) => i).filter((word) => (word & 0x7fff) <= 0x7f80);
    expect(float32ToBfloat16(bfloat16ToFloat32(patterns))).toEqual(patterns);
  });

  test("rounding goes to the nearest value, ties to the even one", () => {
    const bits = new Uint32Array([0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff]);
    expect([...float32ToBfloat16(new Float32Array(bits.buffer))]).toEqual([0x3f80, 0x3f82, 0x3f81, 0x3f80]);
  });

  test("NaN stays NaN", () => {
    expect(bfloat16ToFloat32(float32ToBfloat16(Float32Array.of(NaN)))[0]).toBeNaN();
  });

  test("the error of rounding is at most 1/256 of the value", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(1e-30) }), (value) => {
        const [back] = bfloat16ToFloat32(float32ToBfloat16(Float32Array.of(value)));
        return back === Infinity || Math.abs(back! - value) <= Math.abs(value) / 256;
      }),
    );
  });
});

test("binary16 patterns decode to their values, subnormal and infinite ones included", () => {
  const patterns = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x8000, 0x3555);
  const values = [1, -2, 2 ** -24, 2 ** -14, 65504, Infinity, -Infinity, -0, 0.333251953125];
  expect([...float16ToFloat32(patterns)]).toEqual(values);
  expect(float16ToFloat32(Uint16Array.of(0x7e00))[0]).toBeNaN();
});
