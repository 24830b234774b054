import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { initialLatents, packLatents, toPixels, unpackLatents } from "./latents.ts";
import { philoxNormal } from "./philox.ts";

describe("packing", () => {
  test("puts a 2 × 2 square of every channel side by side in one token", () => {
    const size = { channels: 2, rows: 2, columns: 4 };
    const planes = Float32Array.from({ length: 16 }, (_, i) => i);
    expect([...packLatents(planes, size)]).toEqual([0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15]);
  });

  test("is undone by unpacking", () => {
    const even = fc.integer({ min: 1, max: 6 }).map((half) => half * 2);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), even, even, (channels, rows, columns) => {
        const size = { channels, rows, columns };
        const planes = philoxNormal(1, channels * rows * columns);
        expect(unpackLatents(packLatents(planes, size), size)).toEqual(planes);
      }),
    );
  });
});

test("initial latents are the packed noise of the seed", () => {
  const size = { channels: 16, rows: 4, columns: 6 };
  expect(unpackLatents(initialLatents(size, 9), size)).toEqual(philoxNormal(9, 16 * 4 * 6));
});

test("decoder values become bytes: -1 is 0, 1 is 255, beyond is clamped, channels interleave", () => {
  const planes = Float32Array.of(-1, 1, /* green */ 0, -5, /* blue */ 5, 0.2);
  expect([...toPixels(planes)]).toEqual([0, 128, 255, 255, 0, 153]);
});

test("a value halfway between two bytes goes to the even one, as numpy rounds", () => {
  const half = (byte: number) => (byte + 0.5) / 127.5 - 1;
  const planes = Float32Array.of(half(127), half(127), half(127));
  expect([...toPixels(planes)]).toEqual([128, 128, 128]);
});
