// Latents: the noise a picture starts from, their packing into tokens, and pixels from the decoder's output.
// Source: diffusers, pipeline_flux.py (_pack_latents, _unpack_latents), image_processor.py (denormalize).

import { philoxNormal } from "./philox.ts";

/** Size of one picture's latents; `rows` and `columns` are even. */
export interface LatentSize {
  readonly channels: number;
  readonly rows: number;
  readonly columns: number;
}

/** Latents per packed token, in each direction. */
export const packing = 2;

/** Initial noise of one picture, packed: [rows / 2 * columns / 2, channels * 4]. */
export function initialLatents(size: LatentSize, seed: number): Float32Array {
  return packLatents(philoxNormal(seed, size.channels * size.rows * size.columns), size);
}

/** [channels, rows, columns] to [rows / 2 * columns / 2, channels * 4]; a token holds channel by channel its 2 × 2. */
export function packLatents(planes: Float32Array, size: LatentSize): Float32Array {
  const out = new Float32Array(planes.length);
  eachLatent(size, (plane, token) => (out[token] = planes[plane]!)); // both run over the whole length
  return out;
}

/** Inverse of `packLatents`. */
export function unpackLatents(tokens: Float32Array, size: LatentSize): Float32Array {
  const out = new Float32Array(tokens.length);
  eachLatent(size, (plane, token) => (out[plane] = tokens[token]!)); // both run over the whole length
  return out;
}

/** Planes [channels, rows, columns] with each `factor` × `factor` latents averaged to one; what is over at an edge is left out. */
export function averageLatents(planes: Float32Array, size: LatentSize, factor: number): { planes: Float32Array; size: LatentSize } {
  if (factor <= 1) return { planes, size };
  const small = { channels: size.channels, rows: Math.floor(size.rows / factor), columns: Math.floor(size.columns / factor) };
  const out = new Float32Array(small.channels * small.rows * small.columns);
  for (let channel = 0; channel < small.channels; channel++) {
    for (let row = 0; row < small.rows * factor; row++) {
      for (let column = 0; column < small.columns * factor; column++) {
        const to = (channel * small.rows + Math.floor(row / factor)) * small.columns + Math.floor(column / factor);
        out[to] = out[to]! + planes[(channel * size.rows + row) * size.columns + column]! / factor ** 2; // within the planes
      }
    }
  }
  return { planes: out, size: small };
}

/** Decoder output [3, heightPixels, widthPixels], about -1 to 1, to RGB bytes [heightPixels, widthPixels, 3]. */
export function toPixels(planes: Float32Array): Uint8Array {
  const area = planes.length / 3;
  const out = new Uint8Array(planes.length);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < area; i++) {
      const value = planes[channel * area + i]! * 0.5 + 0.5; // within the planes
      out[i * 3 + channel] = roundHalfEven(Math.min(1, Math.max(0, value)) * 255);
    }
  }
  return out;
}

function eachLatent({ channels, rows, columns }: LatentSize, visit: (plane: number, token: number) => void): void {
  const tokenColumns = columns / packing;
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const token = (row >> 1) * tokenColumns + (column >> 1);
        const inToken = channel * packing * packing + (row & 1) * packing + (column & 1);
        visit((channel * rows + row) * columns + column, token * channels * packing * packing + inToken);
      }
    }
  }
}

/** As numpy rounds. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
