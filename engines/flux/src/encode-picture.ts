// From drawn pixels to a PNG file of the size asked for.

import sharp from "sharp";
import type { RgbPicture } from "@atelier/flux/enlarger";
import { pictureTexts, type PictureFacts } from "./picture-metadata.ts";
import { withPngTexts } from "./png-text.ts";
import { resampleToCover } from "./resample.ts";

/** zlib's level: 9 takes three times as long for 2 % less. */
const compressionLevel = 6;

/** PNG bytes (8-bit RGB) at `facts.requestedPixels`, with the facts as text chunks. */
export async function encodePicture(drawn: RgbPicture, facts: PictureFacts): Promise<Buffer> {
  const { pixels, widthPixels, heightPixels } = resampleToCover(drawn, ...facts.requestedPixels);
  const png = await sharp(pixels, { raw: { width: widthPixels, height: heightPixels, channels: 3 } })
    .png({ compressionLevel, adaptiveFiltering: true, palette: false })
    .toBuffer();
  return withPngTexts(png, pictureTexts(facts));
}
