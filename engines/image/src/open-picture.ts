// Opens pictures that callers brought: only formats that we name, never beyond the limits.

import sharp from "sharp";
import type { Sharp } from "sharp";
import type { EngineInputFile } from "@atelier/schema/engine-messages";

import { limits } from "./limits.ts";
import { TransformError } from "./transform-error.ts";

const loaders = ["JpegFile", "PngFile", "WebpFile", "NsgifFile", "HeifFile"].map((name) => `VipsForeignLoad${name}`);

/** Once, before the first picture. SVG, TIFF and PDF are no pictures here: their readers follow references and scripts. */
export function prepareLibrary(threads: number): void {
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: loaders });
  sharp.cache(false);
  sharp.concurrency(threads);
}

export interface OpenedPicture {
  readonly name: string;
  /** As it is seen, turned upright. */
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly hasAlpha: boolean;
  /** A pipeline that begins with the upright first frame in sRGB. */
  readonly decode: () => Sharp;
}

/** Reads the header alone. Throws INPUT_UNREADABLE or INPUT_TOO_LARGE. */
export async function openPicture({ path, name }: EngineInputFile): Promise<OpenedPicture> {
  // "error": a picture that breaks off is refused, not filled up with grey.
  const options = { limitInputPixels: limits.inputPixels, sequentialRead: true, failOn: "error" } as const;
  const facts = await sharp(path, { ...options, limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw new TransformError("INPUT_UNREADABLE", `${name} is no picture that can be read (JPEG, PNG, WebP, GIF or AVIF).`, { cause });
    });
  const { width: widthPixels, height: heightPixels } = facts.autoOrient;
  if (widthPixels * heightPixels > limits.inputPixels) {
    throw new TransformError("INPUT_TOO_LARGE", `${name} has more than ${limits.inputPixels} pixels.`);
  }
  const decode = (): Sharp => sharp(path, options).autoOrient().toColourspace("srgb");
  return { name, widthPixels, heightPixels, hasAlpha: facts.hasAlpha, decode };
}

/** What the library throws while it decodes is the picture's fault: its header was read before. */
export function asUnreadable(name: string, cause: unknown): TransformError {
  return new TransformError("INPUT_UNREADABLE", `${name} is damaged: it cannot be decoded to its end.`, { cause });
}
