// Redraws the sample inputs and the covers of the models that work on files, with their own engine.
// node scripts/draw-file-models.mjs

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { root } from "./prepare.mjs";

const sharp = createRequire(join(root, "engines/image/package.json"))("sharp");
const samplesFolder = join(root, "models/samples");
const tilePixels = 320;
const coverPixels = 768;
/** Tiles of docs/images/examples.webp: column, row. */
const samples = { "white-gown": [1, 0], "gilded-tower": [0, 1], "blue-court": [2, 1], "green-robe": [2, 2] };

await drawSamples();
const folder = mkdtempSync(join(tmpdir(), "atelier-file-models-"));
const engine = startEngine();
try {
  const files = readdirSync(samplesFolder).map((name) => ({ parameter: "pictures", path: join(samplesFolder, name), name }));
  const sheet = await transform("contact-sheet", { columns: 2, cellwidth: 340, cellheight: 326, gap: 24, background: "#14141c", labels: "name" }, files);
  await cover(sheet, "Atelier-Contact-Sheet-cover.jpeg");
  const image = [{ parameter: "image", path: join(samplesFolder, "gilded-tower.jpg"), name: "gilded-tower.jpg" }];
  const halves = [];
  for (const kernel of ["nearest", "lanczos3"]) halves.push(await transform("enlarge", { factor: 6, kernel }, image));
  await besideEachOther(halves, "Atelier-Enlarge-cover.jpeg");
} finally {
  engine.child.kill();
  rmSync(folder, { recursive: true, force: true });
}

async function drawSamples() {
  mkdirSync(samplesFolder, { recursive: true });
  for (const [name, [column, row]] of Object.entries(samples)) {
    const place = { left: column * tilePixels, top: row * tilePixels, width: tilePixels, height: tilePixels };
    const tile = sharp(join(root, "docs/images/examples.webp")).extract(place).resize(256, 256);
    await tile.jpeg({ quality: 84 }).toFile(join(samplesFolder, `${name}.jpg`));
  }
}

function startEngine() {
  const child = spawn(process.execPath, [join(root, "engines/image/dist/main.js")], { stdio: ["ignore", "inherit", "inherit", "pipe"] });
  const pipe = child.stdio[3];
  const waiting = new Map();
  createInterface({ input: pipe }).on("line", (line) => {
    const message = JSON.parse(line);
    if (message.type === "output") waiting.get(message.runId)?.resolve(readFileSync(message.path));
    if (message.type === "failed" || message.type === "fatal") throw new Error(message.message);
  });
  const send = (message) => pipe.write(`${JSON.stringify(message)}\n`);
  send({ type: "init", protocol: 1, threads: 2 });
  return { child, send, waiting };
}

function transform(operation, values, files) {
  const runId = `${operation}-${engine.waiting.size}`;
  return new Promise((resolve) => {
    engine.waiting.set(runId, { resolve });
    engine.send({ type: "transform", runId, operation, values, files, outputFolder: folder, metadata: {} });
  });
}

async function cover(picture, name) {
  await sharp(picture).resize(coverPixels, coverPixels).jpeg({ quality: 86 }).toFile(join(root, "models/covers", name));
}

/** The left half of the first and the right half of the second, cut at the middle. */
async function besideEachOther(pictures, name) {
  const width = coverPixels / 2;
  const parts = await Promise.all(
    pictures.map(async (picture, at) => {
      const whole = await sharp(picture).resize(coverPixels, coverPixels, { kernel: at === 0 ? "nearest" : "lanczos3" }).toBuffer();
      return { input: await sharp(whole).extract({ left: at * width, top: 0, width, height: coverPixels }).toBuffer(), left: at * width, top: 0 };
    }),
  );
  const canvas = { create: { width: coverPixels, height: coverPixels, channels: 3, background: "black" } };
  await sharp(canvas).composite(parts).jpeg({ quality: 86 }).toFile(join(root, "models/covers", name));
}
