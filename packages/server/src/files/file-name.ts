// Makes a name that is safe to show, to save and to put into a URL from whatever a caller calls a file.

import { extname } from "node:path";

import { limits } from "../limits.ts";
import type { MediaType } from "./media-type.ts";

/** The last part of `given`, without characters that systems, headers or readers take for something else, with an ending
 *  that fits the bytes. Never empty. */
export function fileNameFor(given: string, { endings }: Pick<MediaType, "endings">): string {
  const last = given.normalize("NFC").split(/[/\\]/).at(-1) ?? "";
  const clean = trimmed(last.replaceAll(unsafe, "_").replaceAll(/\s/g, " "));
  const ending = extname(clean);
  const fits = endings.includes(ending.toLowerCase());
  const stem = fits ? clean.slice(0, -ending.length) : clean;
  return `${cut(stem) || "file"}${fits ? ending : endings[0]}`;
}

/** Without dots and spaces at either end: hidden files, and names that Windows cannot open. */
function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && ". ".includes(text.charAt(start))) start += 1;
  while (end > start && ". ".includes(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** Controls and line separators, the marks that turn reading direction, half emoji, and what Windows forbids. */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>:"|?*]/gu;

/** By bytes of UTF-8: file systems and URLs count those. */
function cut(stem: string): string {
  let kept = "";
  let sizeBytes = 0;
  for (const character of stem) {
    sizeBytes += Buffer.byteLength(character);
    if (sizeBytes > limits.fileNameBytes) break;
    kept += character;
  }
  return kept.trim();
}
