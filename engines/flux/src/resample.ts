// Enlarges or reduces a picture with the Lanczos filter of three lobes, and crops it to the aspect ratio asked for.
// In plain arithmetic, so that the result does not depend on a library's version; libvips would enlarge bicubically.
// Source: Duchon, "Lanczos filtering in one and two dimensions" (1979); kernel scaled when reducing.

import type { RgbPicture } from "@atelier/flux/enlarger";

const lobes = 3;
const channels = 3;

/** The picture at exactly this size. Where the aspect ratios differ, it is enlarged until it covers the whole size and
 *  cropped evenly on both sides. Returns the picture itself when it already has that size. */
export function resampleToCover(picture: RgbPicture, widthPixels: number, heightPixels: number): RgbPicture {
  if (picture.widthPixels === widthPixels && picture.heightPixels === heightPixels) return picture;
  const scale = Math.max(widthPixels / picture.widthPixels, heightPixels / picture.heightPixels);
  const columns = taps(picture.widthPixels, widthPixels, scale);
  const rows = taps(picture.heightPixels, heightPixels, scale);
  const wide = resampleRows(picture, columns, widthPixels);
  return { pixels: resampleColumns(wide, rows, widthPixels * channels), widthPixels, heightPixels };
}

/** For every place of the output: where in the input its weights begin, and the weights (their sum is 1). */
interface Taps {
  readonly starts: Int32Array;
  readonly weights: readonly Float64Array[];
}

function taps(inputLength: number, outputLength: number, scale: number): Taps {
  const offset = (inputLength - outputLength / scale) / 2;
  const stretch = Math.max(1, 1 / scale);
  const starts = new Int32Array(outputLength);
  const weights = Array.from({ length: outputLength }, (_, place) => {
    const centre = offset + (place + 0.5) / scale - 0.5;
    const first = Math.ceil(centre - lobes * stretch);
    const last = Math.floor(centre + lobes * stretch);
    const start = Math.max(0, Math.min(first, inputLength - 1));
    const end = Math.max(start, Math.min(last, inputLength - 1));
    starts[place] = start;
    const row = new Float64Array(end - start + 1);
    // Beyond the edge the outermost pixel repeats.
    for (let i = first; i <= last; i++) {
      const inside = Math.max(start, Math.min(i, end)) - start;
      row[inside] = row[inside]! + lanczos((i - centre) / stretch); // within the row
    }
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((value) => value / sum);
  });
  return { starts, weights };
}

function lanczos(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= lobes) return 0;
  const angle = Math.PI * x;
  return (lobes * Math.sin(angle) * Math.sin(angle / lobes)) / (angle * angle);
}

/** Along every row: [heightPixels, widthPixels, 3] to [heightPixels, outputWidth, 3]. */
function resampleRows(picture: RgbPicture, { starts, weights }: Taps, outputWidth: number): Float32Array {
  const { pixels, widthPixels, heightPixels } = picture;
  const out = new Float32Array(heightPixels * outputWidth * channels);
  for (let x = 0; x < outputWidth; x++) {
    const row = weights[x]!; // one per place
    const start = starts[x]!;
    for (let y = 0; y < heightPixels; y++) {
      let from = (y * widthPixels + start) * channels;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let i = 0; i < row.length; i++, from += channels) {
        const factor = row[i]!; // the taps lie inside the picture
        red += factor * pixels[from]!;
        green += factor * pixels[from + 1]!;
        blue += factor * pixels[from + 2]!;
      }
      const to = (y * outputWidth + x) * channels;
      out[to] = red;
      out[to + 1] = green;
      out[to + 2] = blue;
    }
  }
  return out;
}

/** Along every column: rows of `rowLength` values, rounded to bytes. */
function resampleColumns(values: Float32Array, { starts, weights }: Taps, rowLength: number): Uint8Array {
  const out = new Uint8Array(weights.length * rowLength);
  const sums = new Float64Array(rowLength);
  for (const [y, row] of weights.entries()) {
    sums.fill(0);
    for (const [i, factor] of row.entries()) {
      const from = (starts[y]! + i) * rowLength; // the taps lie inside the picture
      for (let x = 0; x < rowLength; x++) sums[x] = sums[x]! + factor * values[from + x]!;
    }
    for (let x = 0; x < rowLength; x++) out[y * rowLength + x] = Math.max(0, Math.min(255, Math.round(sums[x]!)));
  }
  return out;
}
