// Writes a line of capitals with a small pixel font of our own: the same pixels on every machine, whatever fonts it has.

/** Pixels of RGB, three bytes each, row by row. */
export interface Canvas {
  readonly pixels: Buffer;
  readonly widthPixels: number;
  readonly heightPixels: number;
}

/** Size of a character without its spacing. */
const glyphWidth = 5;
export const glyphHeight = 7;
const advance = glyphWidth + 1;

/** Draws what fits into `widthPixels`, the rest cut off by two dots, each font pixel as a square of `scale`. */
export function drawLabel(
  canvas: Canvas,
  text: string,
  place: { left: number; top: number; widthPixels: number; scale: number; colour: readonly [number, number, number] },
): void {
  const { left, top, scale, colour } = place;
  const room = Math.floor((place.widthPixels / scale + 1) / advance);
  const characters = [...plain(text)];
  const shown = characters.length <= room ? characters : [...characters.slice(0, Math.max(0, room - 2)), ".", "."].slice(0, room);
  for (const [at, character] of shown.entries()) {
    const rows = glyphs[character] ?? glyphs["?"] ?? "";
    for (let y = 0; y < glyphHeight; y += 1) {
      // Two hexadecimal digits a row; the highest of the five bits is the leftmost pixel.
      const bits = Number.parseInt(rows.slice(y * 2, y * 2 + 2), 16);
      for (let x = 0; x < glyphWidth; x += 1) {
        if ((bits >> (glyphWidth - 1 - x)) & 1) fillSquare(canvas, { left: left + (at * advance + x) * scale, top: top + y * scale, size: scale }, colour);
      }
    }
  }
}

function fillSquare(
  { pixels, widthPixels, heightPixels }: Canvas,
  { left, top, size }: { left: number; top: number; size: number },
  colour: readonly [number, number, number],
): void {
  for (let y = Math.max(0, top); y < Math.min(heightPixels, top + size); y += 1) {
    for (let x = Math.max(0, left); x < Math.min(widthPixels, left + size); x += 1) pixels.set(colour, (y * widthPixels + x) * 3);
  }
}

/** Capitals without accents; what the font lacks is a question mark. */
function plain(text: string): string {
  return text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toUpperCase();
}

const glyphs: Readonly<Record<string, string>> = Object.freeze({
  " ": "00000000000000", "!": "04040404040004", "#": "0a0a1f0a1f0a0a", "&": "0c12140815120d", "'": "04040800000000",
  "(": "02040808080402", ")": "08040202020408", "+": "0004041f040400", ",": "00000000040408", "-": "0000001f000000",
  ".": "00000000000c0c", "/": "01010204081010", ":": "000c0c000c0c00", "=": "00001f001f0000", "?": "0e110102040004",
  "@": "0e11171517100e", "[": "0e08080808080e", "]": "0e02020202020e", _: "0000000000001f", "~": "00000815020000",
  "0": "0e11131519110e", "1": "040c040404040e", "2": "0e11010204081f", "3": "1f02040201110e", "4": "02060a121f0202",
  "5": "1f101e0101110e", "6": "0608101e11110e", "7": "1f010204080808", "8": "0e11110e11110e", "9": "0e11110f01020c",
  A: "0e11111f111111", B: "1e11111e11111e", C: "0e11101010110e", D: "1c12111111121c", E: "1f10101e10101f", F: "1f10101e101010",
  G: "0e11101711110f", H: "1111111f111111", I: "0e04040404040e", J: "0702020202120c", K: "11121418141211", L: "1010101010101f",
  M: "111b1515111111", N: "11191513111111", O: "0e11111111110e", P: "1e11111e101010", Q: "0e11111115120d", R: "1e11111e141211",
  S: "0f10100e01011e", T: "1f040404040404", U: "1111111111110e", V: "11111111110a04", W: "1111111515150a", X: "11110a040a1111",
  Y: "1111110a040404", Z: "1f01020408101f",
});
