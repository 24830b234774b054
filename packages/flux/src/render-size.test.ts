import fc from "fast-check";
import { expect, test } from "vitest";
import { renderSize } from "./render-size.ts";

const native = { nativePixels: 256, aspectRange: [0.5, 2] as const, sideMultiple: 16 };
const size = (widthPixels: number, heightPixels: number) => ({ widthPixels, heightPixels });

test.each([
  [size(256, 256), size(256, 256)],
  [size(1024, 1024), size(256, 256)],
  [size(64, 64), size(256, 256)],
  [size(1024, 768), size(288, 224)],
  [size(768, 1024), size(224, 288)],
  [size(2048, 1024), size(368, 176)],
  [size(2048, 64), size(368, 176)],
  [size(64, 2048), size(176, 368)],
])("%j is drawn at %j", (requested, rendered) => {
  expect(renderSize(requested, native)).toEqual(rendered);
});

test("a token that covers 32 pixels makes every side a multiple of 32", () => {
  const coarse = { ...native, sideMultiple: 32 };
  expect(renderSize(size(1024, 768), coarse)).toEqual(size(288, 224));
  expect(renderSize(size(1920, 1080), coarse)).toEqual(size(352, 192));
});

test("every size drawn is a multiple of 16, near the native area and near the aspect ratio asked for", () => {
  const side = fc.integer({ min: 64, max: 2048 });
  fc.assert(
    fc.property(side, side, (width, height) => {
      const { widthPixels, heightPixels } = renderSize(size(width, height), native);
      const asked = Math.min(2, Math.max(0.5, width / height));
      expect(widthPixels % 16).toBe(0);
      expect(heightPixels % 16).toBe(0);
      expect(Math.abs((widthPixels * heightPixels) / 256 ** 2 - 1)).toBeLessThan(0.1);
      expect(Math.abs(Math.log(widthPixels / heightPixels / asked))).toBeLessThan(0.09);
    }),
  );
});
