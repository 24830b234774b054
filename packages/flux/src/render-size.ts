// Which size a model draws for a size asked for: the area it was trained at, in the aspect ratio asked for.

export interface PictureSize {
  readonly widthPixels: number;
  readonly heightPixels: number;
}

/** Size to draw at. `requested`: any positive size; the caller enlarges, reduces or crops to it afterwards.
 *  `aspectRange`: narrowest and widest width / height drawn; what lies beyond is drawn at that bound.
 *  `sideMultiple`: pixels that one token covers; sides are multiples of it. */
export function renderSize(
  requested: PictureSize,
  {
    nativePixels,
    aspectRange,
    sideMultiple,
  }: { nativePixels: number; aspectRange: readonly [number, number]; sideMultiple: number },
): PictureSize {
  const asked = requested.widthPixels / requested.heightPixels;
  const ratio = Math.min(aspectRange[1], Math.max(aspectRange[0], asked));
  return {
    widthPixels: nearestSide(nativePixels * Math.sqrt(ratio), sideMultiple),
    heightPixels: nearestSide(nativePixels / Math.sqrt(ratio), sideMultiple),
  };
}

function nearestSide(pixels: number, sideMultiple: number): number {
  return Math.max(sideMultiple, Math.round(pixels / sideMultiple) * sideMultiple);
}
