// The sinusoidal embedding of sigma and of the guidance scale, in float32 as the reference computes it.
// Source: black-forest-labs/flux, modules/layers.py, timestep_embedding.

import { timeChannels } from "./flux-modules.ts";

/** Both are multiplied by this before they are embedded. */
const timeFactor = 1000;
const maxPeriod = 10_000;

/** Embeds one value per picture (sigma from 0 to 1, or a guidance scale): [batch, 256], cosines first. */
export function timeEmbedding(values: readonly number[]): Float32Array {
  const half = timeChannels / 2;
  const out = new Float32Array(values.length * timeChannels);
  const logPeriod = Math.fround(-Math.log(maxPeriod));
  for (const [row, value] of values.entries()) {
    const time = Math.fround(Math.fround(value) * timeFactor);
    for (let i = 0; i < half; i++) {
      const frequency = Math.fround(Math.exp(Math.fround(Math.fround(logPeriod * i) / half)));
      const angle = Math.fround(time * frequency);
      out[row * timeChannels + i] = Math.cos(angle);
      out[row * timeChannels + half + i] = Math.sin(angle);
    }
  }
  return out;
}
