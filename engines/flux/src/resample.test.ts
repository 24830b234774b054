import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RgbPicture } from "@atelier/flux/enlarger";
import { resampleToCover } from "./resample.ts";

/** A picture whose red channel is a function of the place. */
function picture(widthPixels: number, heightPixels: number, red: (x: number, y: number) => number): RgbPicture {
  const pixels = new Uint8Array(widthPixels * heightPixels * 3);
  for (let y = 0; y < heightPixels; y++) {
    for (let x = 0; x < widthPixels; x++) pixels[(y * widthPixels + x) * 3] = red(x, y);
  }
  return { pixels, widthPixels, heightPixels };
}

const redAt = ({ pixels, widthPixels }: RgbPicture, x: number, y: number) => pixels[(y * widthPixels + x) * 3];

test("a picture of the size asked for is left as it is", () => {
  const same = picture(20, 10, (x) => x);
  expect(resampleToCover(same, 20, 10)).toBe(same);
});

test("one colour stays exactly that colour at every size and channel", () => {
  const side = fc.integer({ min: 1, max: 60 });
  fc.assert(
    fc.property(side, side, side, side, fc.integer({ min: 0, max: 255 }), (width, height, toWidth, toHeight, value) => {
      const flat = { pixels: new Uint8Array(width * height * 3).fill(value), widthPixels: width, heightPixels: height };
      const out = resampleToCover(flat, toWidth, toHeight);
      expect([out.widthPixels, out.heightPixels, out.pixels.length]).toEqual([toWidth, toHeight, toWidth * toHeight * 3]);
      expect(out.pixels.every((byte) => byte === value)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

describe("enlarging", () => {
  test("keeps a slope a slope", () => {
    const out = resampleToCover(picture(32, 32, (x) => x * 8), 96, 96);
    for (const x of [20, 40, 60, 75]) expect(Math.abs(redAt(out, x, 48)! - ((x + 0.5) / 3 - 0.5) * 8)).toBeLessThan(1.5);
  });

  test("keeps an edge sharper than bilinear does: it is crossed within one pixel of the original", () => {
    const out = resampleToCover(picture(16, 16, (x) => (x < 8 ? 40 : 200)), 64, 64);
    expect(redAt(out, 29, 32)).toBeLessThan(60);
    expect(redAt(out, 34, 32)).toBeGreaterThan(180);
  });
});

test("reducing averages: stripes of one pixel become grey", () => {
  const out = resampleToCover(picture(64, 64, (x) => (x % 2) * 200), 16, 16);
  for (let x = 2; x < 14; x++) expect(Math.abs(redAt(out, x, 8)! - 100)).toBeLessThan(4);
});

test("another aspect ratio is cut evenly at both ends", () => {
  const out = resampleToCover(picture(64, 32, (x) => (x < 16 ? 0 : x < 48 ? 100 : 200)), 32, 32);
  expect([redAt(out, 1, 16), redAt(out, 16, 16), redAt(out, 30, 16)]).toEqual([100, 100, 100]);
  const wide = resampleToCover(picture(64, 32, (x) => x * 4), 64, 8);
  expect(Math.abs(redAt(wide, 32, 4)! - 128)).toBeLessThan(3);
});

test("channels do not mix", () => {
  const red = picture(8, 8, () => 255);
  const out = resampleToCover(red, 20, 20);
  expect(out.pixels.every((byte, i) => byte === (i % 3 === 0 ? 255 : 0))).toBe(true);
});
