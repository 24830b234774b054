// Draws every committed picture anew with this repository's own server, or compares the nine examples with it.
// Nothing is picked by hand.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { adapterModels, baseModel, exampleRuns } from "./gallery/models.mjs";
import { writePage } from "./gallery/page.mjs";
import { checkPictureBytes, difference, writeCover, writeExact, writeSheet } from "./gallery/pictures.mjs";
import { withPictureServer } from "./gallery/picture-server.mjs";
import { prepare, root } from "./prepare.mjs";

const help = `usage: node scripts/draw-gallery.mjs [--check | --missing] [--only examples,concepts,adapters,settings,covers]

Draws docs/gallery (the nine examples at 1024 x 1024, a sheet per concept, relation and adapter with seeds 0 to 15, one
of steps and one of scales),
docs/images and models/covers with a server of its own. On two cores to itself: about ten minutes.

  --check      draws the nine examples only, compares them with the committed ones and exits 1 when they differ
  --missing    draws only the sheets that do not exist yet: goes on after a stop
  --only LIST  parts to draw, with commas between them`;
const parts = ["examples", "concepts", "adapters", "settings", "covers"];

const sheetSeeds = 16;
const samplesPerRun = 8;
const sheetSteps = "8";
const sheetPixels = "256";
const adapterPrompts = ["a large red planet with rings over blue mountains", "a woman with blonde hair in a blue dress, portrait",
  "a gold palace beside a sea under two moons"];
/** Columns of the two sheets that show a setting, with seeds 0 to 3 below each other. */
const settings = { steps: ["4", "8", "16", "30"], scale: ["1", "3.5", "7.5", "10"] };
/** Another processor rounds differently in the last bits of a float, and rarely a pixel by one or two. Other weights, or
 *  another seed, differ by ten and more. */
const roundingMean = 0.25;

const { values } = parseArgs({
  options: { check: { type: "boolean" }, missing: { type: "boolean" }, only: { type: "string" }, help: { type: "boolean", short: "h" } },
});
const chosen = values.only?.split(",") ?? parts;
if (values.help || chosen.some((part) => !parts.includes(part))) {
  process.stdout.write(`${help}\n`);
  process.exitCode = values.help ? 0 : 2;
} else {
  await prepare();
  await withPictureServer(values.check ? checkExamples : drawAll);
}

async function drawAll(draw) {
  const examples = exampleRuns().map((run, at) => ({ ...run, file: `example-${at + 1}.webp` }));
  const sheets = allSheets();
  if (chosen.includes("examples")) await drawExamples(draw, examples);
  for (const sheet of sheets.filter((each) => chosen.includes(each.part))) await drawSheet(draw, sheet);
  if (chosen.includes("covers")) await drawCovers(draw);
  writePage({ examples, sheets });
  process.stdout.write(`committed pictures: ${checkPictureBytes()} bytes\n`);
}

async function drawExamples(draw, examples) {
  const pngs = [];
  for (const { model, input, file } of examples) {
    const [png] = await draw(model, input);
    await writeExact(png, `docs/gallery/${file}`);
    pngs.push(png);
    process.stdout.write(`${file}\n`);
  }
  await writeSheet(pngs, "docs/images/examples.webp", { columns: 3, tile: 320, quality: 88 });
}

/** { part, title, name, file, model, prompt } of every sheet. */
function allSheets() {
  const read = (name) => Object.entries(JSON.parse(readFileSync(join(root, `scripts/gallery/${name}.json`), "utf8")));
  const fileOf = (...words) => `${words.join("-").replaceAll(/[^a-z0-9]+/g, "-")}.webp`;
  const concepts = ["concepts", "relations"].flatMap((list) => read(list).map(([name, prompt]) => ({
    part: "concepts", title: list === "concepts" ? "Concepts" : "Relations", name, file: fileOf(list.slice(0, -1), name), model: baseModel, prompt })));
  const adapters = adapterModels().flatMap(({ name, model, trigger }) => adapterPrompts.map((prompt, at) => ({
    part: "adapters", title: "Adapters", name: `${name}, ${at + 1}`, file: fileOf("adapter", name, at + 1), model,
    prompt: [trigger, prompt].filter(Boolean).join(", ") })));
  const shown = Object.entries(settings).map(([id, columns]) => ({
    part: "settings", title: "Steps and scale", name: `${id} ${columns.join(", ")}`, file: fileOf("setting", id), model: baseModel,
    prompt: adapterPrompts.at(-1), inputs: ["0", "1", "2", "3"].flatMap((seed) => columns.map((value) => ({ seed, [id]: value }))) }));
  return [...concepts, ...adapters, ...shown];
}

/** Two runs of eight samples: seeds 0 to 15. */
function seedRuns() {
  const first = Array.from({ length: sheetSeeds / samplesPerRun }, (_, run) => run * samplesPerRun);
  return first.map((seed) => ({ samples: String(samplesPerRun), seed: String(seed) }));
}

async function drawSheet(draw, { model, prompt, file, inputs = seedRuns() }) {
  const path = `docs/gallery/${file}`;
  if (values.missing && existsSync(join(root, path))) return;
  const pngs = [];
  for (const input of inputs) {
    pngs.push(...(await draw(model, { prompt, steps: sheetSteps, samples: "1", width: sheetPixels, height: sheetPixels, ...input })));
  }
  await writeSheet(pngs, path);
  process.stdout.write(`${file}\n`);
}

/** The README's comparison (docs/images) and the covers of the model pages: seed 1, first prompt, first example. */
async function drawCovers(draw) {
  const [example] = exampleRuns();
  const pngs = [];
  for (const model of [baseModel, example.model]) {
    for (const prompt of adapterPrompts) pngs.push(...(await draw(model, { prompt, seed: "1", width: "1024", height: "1024" })));
  }
  await writeSheet(pngs, "docs/images/adapter.webp", { columns: adapterPrompts.length, tile: 320, quality: 88 });
  await writeCover((await draw(example.model, example.input))[0], "models/covers/ArsMachina-Baroque-Space-Opera-v1-cover.jpeg");
  await writeCover(pngs[0], "models/covers/Atelier-Starter-cover.jpeg");
  for (const own of adapterModels().filter(({ model }) => model !== example.model)) {
    await writeCover((await draw(own.model, own.example))[0], `models/${own.cover}`);
  }
}

async function checkExamples(draw) {
  let isGreen = true;
  for (const [at, { model, input }] of exampleRuns().entries()) {
    const path = `docs/gallery/example-${at + 1}.webp`;
    if (!existsSync(join(root, path))) throw new Error(`${path} is missing: node scripts/draw-gallery.mjs draws it`);
    const [png] = await draw(model, input);
    const { isSameSize, largest, mean } = await difference(path, png);
    const isSame = isSameSize && mean <= roundingMean;
    const verdict = largest === 0 ? "equal" : isSame ? `equal up to rounding (largest ${largest}, mean ${mean.toFixed(3)})` : `DIFFERS (mean ${mean.toFixed(1)})`;
    process.stdout.write(`${path} ${verdict}\n`);
    isGreen &&= isSame;
  }
  if (!isGreen) process.exitCode = 1;
}
