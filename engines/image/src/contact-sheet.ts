// Lays pictures out on one sheet: references first, in rows of their own, then the pictures.

import sharp from "sharp";
import type { EngineInputFile } from "@atelier/schema/engine-messages";

import { drawLabel, glyphHeight } from "./draw-label.ts";
import type { Canvas } from "./draw-label.ts";
import { checkOutputSize } from "./encode-output.ts";
import { limits } from "./limits.ts";
import { asUnreadable, openPicture } from "./open-picture.ts";
import { TransformError } from "./transform-error.ts";
import type { Operation } from "./transform-run.ts";

interface Layout {
  readonly columns: number;
  readonly gap: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly fit: "contain" | "cover";
  readonly background: readonly [number, number, number];
  readonly labels: "none" | "name" | "number";
  /** Of a label's font; the label has this many pixels for each of the font's. */
  readonly labelScale: number;
  readonly labelHeight: number;
}

interface Cell {
  readonly file: EngineInputFile;
  readonly left: number;
  readonly top: number;
  readonly label: string;
}

export const contactSheet: Operation = async ({ values, filesOf, plan, step }) => {
  const [references, pictures] = [filesOf("references"), filesOf("pictures")];
  if (pictures.length === 0) throw new TransformError("INPUT_INVALID", "There are no pictures.");
  const layout = layoutOf(values, Math.max(pictures.length, references.length));
  const { cells, widthPixels, heightPixels } = placeCells(layout, [references, pictures]);
  checkOutputSize(widthPixels, heightPixels, limits.sheetPixels);
  plan(cells.length);
  const canvas: Canvas = { pixels: filled(widthPixels * heightPixels, layout.background), widthPixels, heightPixels };
  const ink = isDark(layout.background) ? ([255, 255, 255] as const) : ([0, 0, 0] as const);
  for (const cell of cells) {
    copyInto(canvas, cell, { pixels: await drawCell(cell, layout), ...layout });
    const { cellWidth: width, cellHeight, labelScale: scale } = layout;
    drawLabel(canvas, cell.label, { left: cell.left, top: cell.top + cellHeight + scale * 2, widthPixels: width, scale, colour: ink });
    step();
  }
  const raw = { width: widthPixels, height: heightPixels, channels: 3 } as const;
  return { pipeline: sharp(canvas.pixels, { raw, limitInputPixels: false }), asFailure: (error) => error };
};

function layoutOf(values: Readonly<Record<string, unknown>>, most: number): Layout {
  const number = (name: string, otherwise: number): number => Number(values[name] ?? otherwise);
  const labels = values["labels"] === "none" || values["labels"] === "number" ? values["labels"] : "name";
  const cellWidth = number("cellwidth", 256);
  const labelScale = Math.max(1, Math.round(cellWidth / 160));
  return {
    // No more than there are pictures: an empty column is no part of a sheet.
    columns: Math.min(number("columns", 4), most),
    gap: number("gap", 16),
    cellWidth,
    cellHeight: number("cellheight", 256),
    fit: values["fit"] === "cover" ? "cover" : "contain",
    background: colourOf(String(values["background"] ?? "#ffffff")),
    labels,
    labelScale,
    labelHeight: labels === "none" ? 0 : labelScale * (glyphHeight + 4),
  };
}

/** Row by row; each group begins a row of its own. A gap surrounds and parts everything. */
function placeCells(layout: Layout, groups: readonly (readonly EngineInputFile[])[]): { cells: Cell[]; widthPixels: number; heightPixels: number } {
  const { columns, gap, cellWidth, cellHeight, labelHeight, labels } = layout;
  const rowHeight = cellHeight + labelHeight + gap;
  const cells: Cell[] = [];
  let row = 0;
  for (const files of groups) {
    for (const [at, file] of files.entries()) {
      const [left, top] = [gap + (at % columns) * (cellWidth + gap), gap + (row + Math.floor(at / columns)) * rowHeight];
      const label = labels === "name" ? file.name : labels === "number" ? String(at + 1) : "";
      cells.push({ file, left, top, label });
    }
    row += Math.ceil(files.length / columns);
  }
  return { cells, widthPixels: gap + columns * (cellWidth + gap), heightPixels: gap + row * rowHeight };
}

/** RGB of exactly one cell. Pictures are never enlarged to fill it when they are to be contained. */
async function drawCell({ file }: Cell, { cellWidth: width, cellHeight: height, fit, background }: Layout): Promise<Buffer> {
  const picture = await openPicture(file);
  const [r, g, b] = background;
  const colour = { r, g, b, alpha: 1 };
  const pipeline = picture.decode().flatten({ background: colour }).resize({ width, height, fit, background: colour, kernel: "lanczos3" });
  try {
    return await pipeline.removeAlpha().raw().toBuffer();
  } catch (error) {
    throw asUnreadable(file.name, error);
  }
}

function copyInto(canvas: Canvas, { left, top }: Cell, cell: { pixels: Buffer; cellWidth: number; cellHeight: number }): void {
  const rowBytes = cell.cellWidth * 3;
  for (let y = 0; y < cell.cellHeight; y += 1) {
    cell.pixels.copy(canvas.pixels, ((top + y) * canvas.widthPixels + left) * 3, y * rowBytes, (y + 1) * rowBytes);
  }
}

function filled(pixelCount: number, colour: readonly [number, number, number]): Buffer {
  return Buffer.alloc(pixelCount * 3, Buffer.from(colour));
}

/** `#rgb` or `#rrggbb`. Throws INPUT_INVALID. */
function colourOf(text: string): [number, number, number] {
  const digits = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim())?.[1];
  if (digits === undefined) throw new TransformError("INPUT_INVALID", `"${text}" is no colour: write it as #rrggbb.`);
  const pairs = digits.length === 3 ? [...digits].map((digit) => digit + digit) : (digits.match(/../g) ?? []);
  const [red = 0, green = 0, blue = 0] = pairs.map((pair) => Number.parseInt(pair, 16));
  return [red, green, blue];
}

/** By the weights of luma (ITU-R BT.601). */
function isDark([red, green, blue]: readonly [number, number, number]): boolean {
  return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
}
