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
  const half = axes.reduce((sum, width) => sum + width, 0) / 2;
  const tokens = textTokens + rows * columns;
  const cos = new Float32Array(tokens * half);
  const sin = new Float32Array(tokens * half);
  for (let token = 0; token < tokens; token++) {
    const cell = token - textTokens;
    const position = cell < 0 ? [0, 0, 0] : [0, Math.floor(cell / columns), cell % columns];
    let column = token * half;
    for (const [axis, width] of axes.entries()) {
      for (let i = 0; i < width / 2; i++, column++) {
        const angle = (position[axis] ?? 0) * theta ** ((-2 * i) / width);
        cos[column] = Math.cos(angle);
        sin[column] = Math.sin(angle);
      }
    }
  }
  return { cos, sin };
}
