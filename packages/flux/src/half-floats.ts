// 16-bit floating point formats: bfloat16 and IEEE 754 binary16, to and from float32.

/** bfloat16 (raw 16-bit patterns) to float32; exact. */
export function bfloat16ToFloat32(raw: Uint16Array): Float32Array {
  const bits = new Uint32Array(raw.length);
  for (let i = 0; i < raw.length; i++) bits[i] = raw[i]! << 16; // i is in range
  return new Float32Array(bits.buffer);
}

/** float32 to bfloat16, rounded to nearest, ties to even. NaN stays NaN. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!; // i is in range
    const isNan = (word & 0x7fffffff) > 0x7f800000;
    out[i] = isNan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** IEEE 754 binary16 (raw 16-bit patterns) to float32; exact. */
export function float16ToFloat32(raw: Uint16Array): Float32Array {
  return Float32Array.from(raw, decodeFloat16);
}

function decodeFloat16(word: number): number {
  const sign = word & 0x8000 ? -1 : 1;
  const exponent = (word >>> 10) & 0x1f;
  const fraction = word & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
