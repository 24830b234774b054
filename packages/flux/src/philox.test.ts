import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { philox4x32, philoxNormal, pictureSeed, type Words2, type Words4 } from "./philox.ts";

/** Known answers published with Random123 (tests/kat_vectors, philox4x32 with 10 rounds). */
const knownAnswers: [Words4, Words2, string][] = [
  [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    "408f276d 41c83b0e a20bc7c6 6d5451fd",
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    "d16cfe09 94fdcceb 5001e420 24126ea1",
  ],
];

test.each(knownAnswers)("counter %j under key %j gives the published words", (counter, key, words) => {
  const hex = philox4x32(counter, key).map((word) => word.toString(16).padStart(8, "0"));
  expect(hex.join(" ")).toBe(words);
});

describe("normal noise", () => {
  test("is a pure function of the seed, and a longer draw begins with a shorter one", () => {
    expect(philoxNormal(42, 100)).toEqual(philoxNormal(42, 200).subarray(0, 100));
  });

  test("differs between neighbouring seeds", () => {
    expect(philoxNormal(4294967295, 16)).not.toEqual(philoxNormal(0, 16));
    expect(philoxNormal(1, 16)).not.toEqual(philoxNormal(2, 16));
  });

  test("has mean 0, deviation 1 and the kurtosis of a normal distribution", () => {
    const values = philoxNormal(7, 200_000);
    const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / values.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.01);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.02);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.1);
  });

  test("is always finite", () => {
    fc.assert(fc.property(fc.nat({ max: 2 ** 32 - 1 }), (seed) => philoxNormal(seed, 8).every(Number.isFinite)));
  });
});

test("the seed of a later picture counts on and wraps at 2^32", () => {
  expect(pictureSeed(5, 3)).toBe(8);
  expect(pictureSeed(4294967295, 1)).toBe(0);
});
