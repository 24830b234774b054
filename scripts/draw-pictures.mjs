// Redraws the pictures of this repository with its own server: the covers, and the README's sheets of the nine examples of
// the seed's page and of one prompt with and without the adapter. Nothing is picked by hand.
// node scripts/draw-pictures.mjs

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

import { root } from "./prepare.mjs";

const sharp = createRequire(join(root, "packages/server/package.json"))("sharp");
const atelier = join(root, "bin/atelier.mjs");
const pollMs = 50;
const tilePixels = 320;
const adapterModel = "arsmachina/baroque-space-opera-v1";
const baseModel = "atelier/starter";
const comparedPrompts = [
  "a large red planet with rings over blue mountains",
  "a woman with blonde hair in a blue dress, portrait",
  "a golden palace beside the sea under two moons",
];

const data = mkdtempSync(join(tmpdir(), "atelier-pictures-"));
const project = JSON.parse(
  execFileSync(process.execPath, [atelier, "project", "create", "pictures", "--auth", "key", "--data", data, "--json"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }),
);
const server = spawn(process.execPath, [atelier, "serve", "--port", "0", "--data", data], {
  stdio: ["ignore", "pipe", "ignore"],
});
try {
  await drawAll(await ready(server));
} finally {
  server.kill("SIGTERM");
  await new Promise((resolve) => server.once("exit", resolve));
  rmSync(data, { recursive: true, force: true });
}

async function drawAll(url) {
  const manifest = JSON.parse(readFileSync(join(root, "models/baroque-space-opera-v1.json"), "utf8"));
  const examples = [];
  for (const example of manifest.examples) examples.push(await draw(url, adapterModel, example));
  await sheet(examples, 3, "docs/images/examples.webp");

  const pairs = [];
  for (const model of [baseModel, adapterModel]) {
    for (const prompt of comparedPrompts) pairs.push(await draw(url, model, { prompt, seed: "1" }));
  }
  await sheet(pairs, comparedPrompts.length, "docs/images/adapter.webp");

  await cover(examples[0], "ArsMachina-Baroque-Space-Opera-v1-cover.jpeg");
  await cover(pairs[0], "Atelier-Starter-cover.jpeg");
}

/** Runs a model with its defaults but for `input`, and returns the PNG. */
async function draw(url, model, input) {
  const { taskid } = await call(url, `/Run/${model}`, input);
  for (;;) {
    const [task] = (await call(url, "/Task/Detail", { taskid })).tasklist;
    if (task.status === "task_postprocess_end" && task.pexit === "0") {
      process.stdout.write(`${model} ${JSON.stringify(input)}\n`);
      return Buffer.from(await (await fetch(task.outputs[0].url)).arrayBuffer());
    }
    if (task.status === "task_postprocess_end") throw new Error(`the run failed: ${task.debugerror}`);
    await delay(pollMs);
  }
}

async function call(url, path, body) {
  const headers = { "x-api-key": project.apikey, "content-type": "application/json" };
  const response = await fetch(`${url}/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!answer.result) throw new Error(JSON.stringify(answer.errors));
  return answer;
}

/** Tiles pictures left to right, top to bottom. */
async function sheet(pictures, columns, path) {
  const tiles = await Promise.all(pictures.map((picture) => sharp(picture).resize(tilePixels, tilePixels).toBuffer()));
  const composite = tiles.map((input, at) => ({
    input,
    left: (at % columns) * tilePixels,
    top: Math.floor(at / columns) * tilePixels,
  }));
  const height = Math.ceil(tiles.length / columns) * tilePixels;
  mkdirSync(join(root, "docs/images"), { recursive: true });
  await sharp({ create: { width: columns * tilePixels, height, channels: 3, background: "black" } })
    .composite(composite)
    .webp({ quality: 88 })
    .toFile(join(root, path));
}

async function cover(picture, name) {
  mkdirSync(join(root, "models/covers"), { recursive: true });
  await sharp(picture).resize(768, 768).jpeg({ quality: 88 }).toFile(join(root, "models/covers", name));
}

async function ready(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^ready (\S+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error("the server ended before it was ready");
}
