// A small picture as a `data:` URI, small enough to be passed on as one notification.

import { previewCharacters } from "@atelier/schema/engine-messages";
import type { RgbPicture } from "@atelier/flux/enlarger";
import sharp from "sharp";

/** Sides in pixels and WebP qualities, tried until one fits. */
const sizes = [
  [128, 60],
  [96, 50],
  [64, 40],
] as const;

/** Undefined for a picture that fits in no size. */
export async function encodePreview({ pixels, widthPixels, heightPixels }: RgbPicture): Promise<string | undefined> {
  const raw = { width: widthPixels, height: heightPixels, channels: 3 } as const;
  for (const [side, quality] of sizes) {
    const small = sharp(pixels, { raw }).resize(side, side, { fit: "inside", withoutEnlargement: true });
    const bytes = await small.webp({ quality, effort: 0 }).toBuffer();
    const uri = `data:image/webp;base64,${bytes.toString("base64")}`;
    if (uri.length <= previewCharacters) return uri;
  }
  return undefined;
}
