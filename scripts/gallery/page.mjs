// docs/gallery/README.md: the gallery's pictures with the inputs that made them.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { root } from "../prepare.mjs";

/** Writes the page from what is drawn; a sheet that does not exist yet is left out. */
export function writePage({ examples, sheets }) {
  const text = [
    "# Gallery",
    "",
    "Drawn by this repository's own server with the weights in `models/`: `node scripts/draw-gallery.mjs` draws everything here",
    "anew, and `node scripts/draw-gallery.mjs --check` compares the nine examples with what the server draws now. Nothing is",
    "picked by hand: the examples have the seeds of their inputs, every sheet has the seeds 0 to 15 (those of steps and scale: a",
    "column for each value, the seeds 0 to 3 below each other).",
    "",
    "## The nine examples",
    "The example inputs of the model's page, at 1024 × 1024 (lossless).",
    "",
    ...examples.flatMap(({ file, input }, at) => [`![Example ${at + 1}](${file})`, "", inputLine(input), ""]),
  ];
  for (const title of new Set(sheets.map((sheet) => sheet.title))) {
    const rows = sheets.filter((sheet) => sheet.title === title && existsSync(join(root, "docs/gallery", sheet.file)));
    if (rows.length === 0) continue;
    text.push(`## ${title}`, "");
    for (const { name, file, prompt } of rows) text.push(`### ${name}`, `“${prompt}”`, "", `![${name}](${file})`, "");
  }
  text.push(...whileTrained());
  writeFileSync(join(root, "docs/gallery/README.md"), `${text.join("\n").trimEnd()}\n`);
}

/** The training code draws this one (training/README.md), not the server. */
function whileTrained() {
  if (!existsSync(join(root, "docs/gallery/training.webp"))) return [];
  return [
    "## While it was trained",
    "The same five prompts and seed: above the weights before, below them the base after 400, 600, 800, 1,000 and 1,150 steps of 64",
    "pictures more, with two passes a step (`python -m training.sheets`).",
    "",
    "![Sample sheets over time](training.webp)",
    "",
  ];
}

function inputLine({ prompt, steps, scale, seed }) {
  return `${steps} steps, scale ${scale}, seed ${seed}: “${prompt}”`;
}
