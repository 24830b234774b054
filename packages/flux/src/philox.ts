// Philox4x32-10, a counter-based random number generator, and the normal noise that FLUX latents start from.
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC11), and its Random123 library.

export type Words4 = readonly [number, number, number, number];
export type Words2 = readonly [number, number];

const multiplier0 = 0xd2511f53;
const multiplier1 = 0xcd9e8d57;
const weyl0 = 0x9e3779b9;
const weyl1 = 0xbb67ae85;
const rounds = 10;

/** One block: four 32-bit words from a counter and a key; a pure function. */
export function philox4x32(counter: Words4, key: Words2): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < rounds; round++) {
    const high0 = highWord(multiplier0, c0);
    const high1 = highWord(multiplier1, c2);
    const low0 = Math.imul(multiplier0, c0) >>> 0;
    const low1 = Math.imul(multiplier1, c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + weyl0) >>> 0;
    k1 = (k1 + weyl1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Standard normal noise: a pure function of the seed. Value i is the sine half of a Box–Muller pair made of the first
 *  two words of block (0, 0, i, 0) under key (seed, 0), the arrangement of torch's CUDA generator for a fresh seed.
 *  `seed`: 0 to 2^32 - 1. */
export function philoxNormal(seed: number, length: number): Float32Array {
  const out = new Float32Array(length);
  const key: Words2 = [seed >>> 0, 0];
  for (let i = 0; i < length; i++) {
    const [first, second] = philox4x32([0, 0, i, 0], key);
    // Half a step away from 0, so that the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log((first + 0.5) / 2 ** 32));
    out[i] = radius * Math.sin(((second + 0.5) / 2 ** 32) * 2 * Math.PI);
  }
  return out;
}

/** Seed of picture `index` of a run. */
export function pictureSeed(seed: number, index: number): number {
  return (seed + index) % 2 ** 32;
}

/** Upper 32 bits of a 32 × 32 bit product, by halves: numbers are exact up to 2^53 only. */
function highWord(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carried = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carried / 0x10000)) >>> 0;
}
