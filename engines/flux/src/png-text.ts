// Splices text chunks into a PNG file.
// Source: PNG specification, third edition, sections 5.3 (chunk layout) and 11.3.3 (textual information).

import { crc32 } from "node:zlib";

export interface PngText {
  /** 1 to 79 Latin-1 characters. */
  readonly keyword: string;
  readonly text: string;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Signature (8), then the header chunk: length (4), type (4), data (13), checksum (4). */
const headerEnd = 33;

/** The same picture with its texts behind the header, uncompressed, in the order given.
 *  Throws when `png` is no PNG file. */
export function withPngTexts(png: Buffer, texts: readonly PngText[]): Buffer {
  if (png.length < headerEnd || !png.subarray(0, 8).equals(signature)) throw new Error("not a PNG file");
  return Buffer.concat([png.subarray(0, headerEnd), ...texts.map(textChunk), png.subarray(headerEnd)]);
}

/** The international texts (iTXt) of a PNG file, in its order; compressed ones are left out. */
export function readPngTexts(png: Buffer): PngText[] {
  const texts: PngText[] = [];
  for (let at = signature.length; at + 12 <= png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString("latin1", at + 4, at + 8) !== "iTXt") continue;
    const data = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    const keywordEnd = data.indexOf(0);
    if (data[keywordEnd + 1] !== 0) continue;
    const languageEnd = data.indexOf(0, keywordEnd + 3);
    const textStart = data.indexOf(0, languageEnd + 1) + 1;
    texts.push({ keyword: data.toString("latin1", 0, keywordEnd), text: data.toString("utf8", textStart) });
  }
  return texts;
}

/** An iTXt chunk: keyword, no compression, no language, UTF-8 text. */
function textChunk({ keyword, text }: PngText): Buffer {
  const body = Buffer.concat([
    Buffer.from(keyword, "latin1"),
    Buffer.from([0, 0, 0, 0, 0]),
    Buffer.from(text.replaceAll("\0", ""), "utf8"),
  ]);
  const typed = Buffer.concat([Buffer.from("iTXt", "latin1"), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, checksum]);
}
