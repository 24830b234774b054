// Encodes what a run made, always to the same bytes: no metadata, no time, fixed settings.

import type { Sharp } from "sharp";

import { limits } from "./limits.ts";
import { TransformError } from "./transform-error.ts";

export interface OutputForm {
  readonly contentType: string;
  /** With its dot. */
  readonly ending: string;
  readonly encode: (pipeline: Sharp) => Sharp;
}

/** `format`: png, jpeg or webp; `quality`: 1 to 100, of the two that lose something. */
export function outputForm(values: Readonly<Record<string, unknown>>): OutputForm {
  const quality = Number(values["quality"] ?? 90);
  switch (values["format"] ?? "png") {
    case "png":
      return { contentType: "image/png", ending: ".png", encode: (it) => it.png({ compressionLevel: 6, adaptiveFiltering: true }) };
    case "jpeg":
      return {
        contentType: "image/jpeg",
        ending: ".jpg",
        encode: (it) => it.flatten({ background: "#ffffff" }).jpeg({ quality, chromaSubsampling: quality >= 90 ? "4:4:4" : "4:2:0" }),
      };
    case "webp":
      return { contentType: "image/webp", ending: ".webp", encode: (it) => it.webp({ quality }) };
    default:
      throw new TransformError("INPUT_INVALID", `"${String(values["format"])}" is no output format.`);
  }
}

/** Throws OUTPUT_TOO_LARGE. */
export function checkOutputSize(widthPixels: number, heightPixels: number, maxPixels: number): void {
  const size = `${widthPixels} × ${heightPixels}`;
  if (widthPixels > limits.sidePixels || heightPixels > limits.sidePixels) {
    throw new TransformError("OUTPUT_TOO_LARGE", `The output would be ${size}; a side may have ${limits.sidePixels} pixels.`);
  }
  if (widthPixels * heightPixels > maxPixels) {
    throw new TransformError("OUTPUT_TOO_LARGE", `The output would be ${size}; it may have ${maxPixels} pixels in all.`);
  }
}
