// Tells what a file is by its first bytes, with its name only where bytes cannot tell (text, and formats inside a zip).
// Own table: half of what the contract lists has no signature (csv, txt, md) or shares one (docx, xlsx, pptx, epub), which
// leaves a library little to add but formats that we refuse.

import { extname } from "node:path";

export interface MediaType {
  /** As served. */
  readonly type: string;
  /** The usual ending first, with its dot. */
  readonly endings: readonly string[];
}

/** Bytes of the beginning that `mediaTypeOf` wants to see. */
export const headBytes = 4096;

/** Undefined for what is of no supported type (docs/wire-contract.md, "File types"). `head`: the first `headBytes` of the file. */
export function mediaTypeOf(head: Buffer, name: string): MediaType | undefined {
  const ending = extname(name).toLowerCase();
  const signed = signatures.find((signature) => signature.fits(head));
  if (signed) return signed.media === zip ? (zipBased.find((media) => media.endings.includes(ending)) ?? zip) : signed.media;
  const text = textual.find((media) => media.endings.includes(ending));
  return text && isText(head) ? text : undefined;
}

const media = (type: string, ...endings: string[]): MediaType => Object.freeze({ type, endings });

const zip = media("application/zip", ".zip");
const zipBased = [
  media("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
  media("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
  media("application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx"),
  media("application/epub+zip", ".epub"),
];
const textual = [
  media("text/plain; charset=utf-8", ".txt"),
  media("text/markdown; charset=utf-8", ".md", ".markdown"),
  media("text/csv; charset=utf-8", ".csv"),
];

const startsWith = (...bytes: number[]) => {
  const start = Buffer.from(bytes);
  return (head: Buffer): boolean => head.subarray(0, start.length).equals(start);
};
const hasAscii = (head: Buffer, text: string, at: number): boolean =>
  head.toString("latin1", at, at + text.length) === text;
/** ISO base media (ISO/IEC 14496-12): the brand follows the type of the first box. */
const hasBrand = (pattern: RegExp) => (head: Buffer): boolean =>
  hasAscii(head, "ftyp", 4) && pattern.test(head.toString("latin1", 8, 12));
const riff = (form: string) => (head: Buffer): boolean => hasAscii(head, "RIFF", 0) && hasAscii(head, form, 8);
/** Matroska is wider than WebM: the document type is in the EBML header. */
const isWebm = (head: Buffer): boolean =>
  startsWith(0x1a, 0x45, 0xdf, 0xa3)(head) && head.subarray(0, 64).includes("webm");
/** An ID3 tag, or the sync word of an MPEG-1 or MPEG-2 layer III frame. */
const isMp3 = (head: Buffer): boolean =>
  hasAscii(head, "ID3", 0) || (head[0] === 0xff && [0xfb, 0xfa, 0xf3, 0xf2].includes(head[1] ?? 0));

const signatures: readonly { readonly media: MediaType; readonly fits: (head: Buffer) => boolean }[] = [
  { media: media("image/jpeg", ".jpg", ".jpeg"), fits: startsWith(0xff, 0xd8, 0xff) },
  { media: media("image/png", ".png"), fits: startsWith(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a) },
  { media: media("image/gif", ".gif"), fits: (head) => hasAscii(head, "GIF87a", 0) || hasAscii(head, "GIF89a", 0) },
  { media: media("image/webp", ".webp"), fits: riff("WEBP") },
  { media: media("image/heic", ".heic", ".heif"), fits: hasBrand(/^(hei[cxms]|hev[cxms]|mif1|msf1)$/) },
  { media: media("image/avif", ".avif"), fits: hasBrand(/^avi[fs]$/) },
  { media: media("audio/mp4", ".m4a"), fits: hasBrand(/^M4[AB] $/) },
  { media: media("video/quicktime", ".mov"), fits: hasBrand(/^qt {2}$/) },
  { media: media("video/mp4", ".mp4"), fits: hasBrand(/^(iso[m2-9]|mp4[12]|avc1|dash|M4V |MSNV|f4v )$/) },
  { media: media("video/webm", ".webm"), fits: isWebm },
  { media: media("audio/wav", ".wav"), fits: riff("WAVE") },
  { media: media("application/pdf", ".pdf"), fits: (head) => hasAscii(head, "%PDF-", 0) },
  { media: zip, fits: startsWith(0x50, 0x4b, 0x03, 0x04) },
  { media: media("audio/mpeg", ".mp3"), fits: isMp3 },
];

/** No control characters but those of text; a spreadsheet's export may be in an older encoding than UTF-8. */
function isText(head: Buffer): boolean {
  return head.length > 0 && head.every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d));
}
