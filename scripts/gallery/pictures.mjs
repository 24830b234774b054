// Files of the gallery: lossless examples, and sheets of sixteen tiles.

import { createRequire } from "node:module";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

import { root } from "../prepare.mjs";

const sharp = createRequire(join(root, "packages/server/package.json"))("sharp");

/** Folders whose pictures are committed, and what they may take together. */
const pictureFolders = ["docs/gallery", "docs/images", "models/covers"];
const largestPictureBytes = 8 * 1024 * 1024;

const tilePixels = 112;
const sheetColumns = 4;

/** A lossless WebP file: it decodes to exactly the pixels of the PNG that the server gave. */
export async function writeExact(png, path) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  await sharp(png).webp({ lossless: true, effort: 6 }).toFile(join(root, path));
}

/** Tiles left to right, top to bottom. */
export async function writeSheet(pngs, path, { columns = sheetColumns, tile = tilePixels, quality = 82 } = {}) {
  const tiles = await Promise.all(pngs.map((png) => sharp(png).resize(tile, tile).toBuffer()));
  const composite = tiles.map((input, at) => ({ input, left: (at % columns) * tile, top: Math.floor(at / columns) * tile }));
  const height = Math.ceil(tiles.length / columns) * tile;
  mkdirSync(dirname(join(root, path)), { recursive: true });
  await sharp({ create: { width: columns * tile, height, channels: 3, background: "black" } })
    .composite(composite)
    .webp({ quality, effort: 6 })
    .toFile(join(root, path));
}

export async function writeCover(png, path) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  await sharp(png).resize(768, 768).jpeg({ quality: 88 }).toFile(join(root, path));
}

/** How a committed picture differs from a PNG: { isSameSize, largest, mean } over channels, 0 to 255. */
export async function difference(path, png) {
  const [kept, drawn] = await Promise.all([join(root, path), png].map((source) => rawPixels(source)));
  if (kept.data.length !== drawn.data.length) return { isSameSize: false, largest: 255, mean: 255 };
  let largest = 0;
  let sum = 0;
  for (const [at, value] of kept.data.entries()) {
    const distance = Math.abs(value - drawn.data[at]);
    largest = Math.max(largest, distance);
    sum += distance;
  }
  return { isSameSize: true, largest, mean: sum / kept.data.length };
}

function rawPixels(source) {
  return sharp(source).removeAlpha().raw().toBuffer({ resolveWithObject: true });
}

/** Throws when the committed pictures take more than they may. Returns their bytes. */
export function checkPictureBytes() {
  const files = pictureFolders.filter((folder) => existsSync(join(root, folder))).flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((name) => join(root, folder, name)));
  const bytes = files.filter((file) => /\.(webp|png|jpe?g)$/.test(file)).reduce((sum, file) => sum + statSync(file).size, 0);
  if (bytes > largestPictureBytes) {
    throw new Error(`the committed pictures take ${bytes} bytes; at most ${largestPictureBytes} are allowed`);
  }
  return bytes;
}
