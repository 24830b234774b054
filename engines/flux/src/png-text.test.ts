import sharp from "sharp";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readPngTexts, withPngTexts } from "./png-text.ts";

const png = await sharp({ create: { width: 3, height: 2, channels: 3, background: "#804020" } }).png().toBuffer();

test("texts of any letters come back, and the picture stays readable and unchanged", async () => {
  const text = fc.string({ unit: "grapheme" }).map((value) => value.replaceAll("\0", ""));
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 4 }), async (values) => {
      const texts = values.map((value, i) => ({ keyword: `key ${i}`, text: value }));
      const spliced = withPngTexts(png, texts);
      expect(readPngTexts(spliced)).toEqual(texts);
      expect(await sharp(spliced).raw().toBuffer()).toEqual(await sharp(png).raw().toBuffer());
    }),
    { numRuns: 30 },
  );
});

test("a text is an iTXt chunk with the checksum that the specification asks for", () => {
  const chunk = withPngTexts(png, [{ keyword: "k", text: "é" }]).subarray(33, 33 + 20);
  expect(chunk.toString("hex")).toBe("0000000869545874" + "6b0000000000c3a9" + chunk.subarray(16).toString("hex"));
  expect(chunk.readUInt32BE(16)).toBe(crc32OfBits(chunk.subarray(4, 16)));
});

test("bytes that are no PNG file are refused", () => {
  expect(() => withPngTexts(Buffer.alloc(100), [])).toThrow(/not a PNG/);
});

/** The specification's checksum, bit by bit (annex D): a second opinion on zlib's. */
function crc32OfBits(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
