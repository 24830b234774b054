// The one place of the server that decodes pictures from callers: only formats that we name, never beyond the limits.

import type Sharp from "sharp";

import { limits } from "../limits.ts";

/** Formats that can be read here; anything else (SVG, TIFF, PDF) is no picture to this server. */
export const readablePictures: readonly string[] = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"];

const loaders = ["JpegFile", "PngFile", "WebpFile", "NsgifFile", "HeifFile"].map((name) => `VipsForeignLoad${name}`);

let loaded: Promise<typeof Sharp> | undefined;

/** Loaded with the first picture: a server that serves none needs no libvips. */
function loadSharp(): Promise<typeof Sharp> {
  loaded ??= import("sharp").then(({ default: sharp }) => {
    sharp.block({ operation: ["VipsForeignLoad"] });
    sharp.unblock({ operation: loaders });
    sharp.cache(false);
    sharp.concurrency(1);
    return sharp;
  });
  return loaded;
}

/** Pixels of one frame as the header declares them; undefined when the header cannot be read. Decodes nothing. */
export async function pixelsOf(path: string): Promise<number | undefined> {
  const sharp = await loadSharp();
  try {
    const { width, height } = await sharp(path, { limitInputPixels: false }).metadata();
    return width * height;
  } catch {
    // sharp has one error for all that is wrong with a file, and the file is the caller's.
    return undefined;
  }
}

/** Writes a WebP of the first frame, upright, at most `widthPixels` wide, never enlarged. False when the picture cannot be
 *  decoded within the limits. */
export async function writeThumbnail(sourcePath: string, targetPath: string, widthPixels: number): Promise<boolean> {
  const sharp = await loadSharp();
  const options = { limitInputPixels: limits.thumbnailInputPixels, sequentialRead: true, failOn: "error" } as const;
  try {
    await sharp(sourcePath, options)
      .autoOrient()
      .resize({ width: widthPixels, withoutEnlargement: true })
      .webp({ quality: 80 })
      .timeout({ seconds: limits.thumbnailSeconds })
      .toFile(targetPath);
    return true;
  } catch {
    return false;
  }
}
