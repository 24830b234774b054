// Which size a model draws for a size asked for: the area it was trained at, in the aspect ratio asked for.

export interface PictureSize {
  readonly widthPixels: number;
  readonly heightPixels: number;
}

/** Sides are multiples of this: the autoencoder's 8 times the packing's 2. */
const sideMultiple = 16;

/** Size to draw at. `requested`: any positive size; the caller enlarges, reduces or crops to it afterwards.
 *  `aspectRange`: narrowest and widest width / height drawn; what lies beyond is drawn at that bound. */
export function renderSize(
  requested: PictureSize,
  { nativePixels, aspectRange }: { nativePixels: number; aspectRange: readonly [number, number] },
): PictureSize {
  const asked = requested.widthPixels / requested.heightPixels;
  const ratio = Math.min(aspectRange[1], Math.max(aspectRange[0], asked));
  return {
    widthPixels: nearestSide(nativePixels * Math.sqrt(ratio)),
    heightPixels: nearestSide(nativePixels / Math.sqrt(ratio)),
  };
}

function nearestSide(pixels: number): number {
  return Math.max(sideMultiple, Math.round(pixels / sideMultiple) * sideMultiple);
}
