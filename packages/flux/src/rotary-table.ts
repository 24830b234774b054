// Rotary position tables for text tokens (all at position 0) followed by a grid of image tokens.
// Source: black-forest-labs/flux, math.py, rope; computed in float64 as there.

const theta = 10_000;
/** FLUX.1's share of a 128-wide head per axis: index, row, column. */
export const fluxRotaryAxes: readonly number[] = [16, 56, 56];

export interface RotaryTable {
  /** [textTokens + rows * columns, headWidth / 2] */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Builds the tables. `axes`: widths per axis; their sum is the heads' width, each is even. */
export function rotaryTable(options: {
  readonly textTokens: number;
  readonly rows: number;
  readonly columns: number;
  readonly axes: readonly number[];
}): RotaryTable {
  const { textTokens, rows, columns, axes } = options;
  const frequencies = axes.flatMap((width, axis) =>
    Array.from({ length: width / 2 }, (_, i) => ({ axis, value: theta ** ((-2 * i) / width) })),
  );
  const tokens = textTokens + rows * columns;
  const cos = new Float32Array(tokens * frequencies.length);
  const sin = new Float32Array(tokens * frequencies.length);
  for (let token = 0; token < tokens; token++) {
    const cell = token - textTokens;
    const position = cell < 0 ? [0, 0, 0] : [0, Math.floor(cell / columns), cell % columns];
    for (const [i, { axis, value }] of frequencies.entries()) {
      const angle = (position[axis] ?? 0) * value;
      cos[token * frequencies.length + i] = Math.cos(angle);
      sin[token * frequencies.length + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
