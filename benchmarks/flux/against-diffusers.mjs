// Measures one picture of the same model here and in diffusers on this processor: same latents, same sigmas, same
// threads, float32, in turns. Prints the ratio of times and the largest difference of a pixel.
// `node benchmarks/flux/against-diffusers.mjs [--rounds 7] [--threads 2] [--json] [--report]` (after `npm run build`).
// Needs the training environment (training/README.md).

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { initialLatents } from "@atelier/flux/latents";
import { openPipeline } from "@atelier/flux/pipeline";
import { openPipelineFiles } from "@atelier/flux/pipeline-files";
import { promptTokens } from "@atelier/flux/prompt-tokens";
import { sampleSigmas } from "@atelier/flux/sigmas";
import { modelUnderTest, prompt, spread, writeReport } from "./measure.mjs";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    threads: { type: "string", default: "2" },
    steps: { type: "string", default: "8" },
    json: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
  },
});

const model = await modelUnderTest();
const request = { prompt, seed: 7, steps: Number(options.steps), guidanceScale: 3.5, samples: 1, adapters: [] };
const threads = Number(options.threads);
const files = await openPipelineFiles(model.base);
const { nativePixels, text } = files.settings;
const size = { channels: 16, rows: nativePixels / 8, columns: nativePixels / 8 };
const sides = { widthPixels: nativePixels, heightPixels: nativePixels };

try {
  const pipeline = await openPipeline(model.base, { threads });
  const other = await startDiffusers();
  const own = { times: [], pixels: null };
  const theirs = [];
  for (let round = -2; round < Number(options.rounds); round++) {
    const startMs = performance.now();
    for await (const picture of pipeline.generate({ ...request, ...sides })) own.pixels = picture.pixels;
    const elapsedMs = performance.now() - startMs;
    const otherMs = await other.draw();
    if (round < 0) continue;
    own.times.push(elapsedMs);
    theirs.push(otherMs);
  }
  await pipeline.close();
  other.stop();
  print(own, theirs, other.versions);
} finally {
  rmSync(model.folder, { recursive: true, force: true });
}

async function startDiffusers() {
  const { ids, used } = promptTokens(files.tokenizer, prompt, text);
  const inputs = { ...request, ...sides, threads, ids, usedTokens: used };
  writeFileSync(join(model.folder, "inputs.json"), JSON.stringify(inputs));
  writeFileSync(join(model.folder, "latents.f32"), Buffer.from(initialLatents(size, request.seed).buffer));
  const environment = process.env["ATELIER_TRAINING_ENV"] ?? join(homedir(), ".cache/atelier-training");
  const script = join(import.meta.dirname, "against_diffusers.py");
  const child = spawn(join(environment, "venv/bin/python"), [script, model.base, model.folder], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (!done) return value;
    await once(child, "close");
    throw new Error(`diffusers ended: ${errors}`);
  };
  const versions = await next();
  const draw = async () => {
    child.stdin.write("draw\n");
    return Number(await next());
  };
  return { versions, draw, stop: () => child.kill() };
}

function print(own, theirs, versions) {
  const pixels = readFileSync(join(model.folder, "diffusers.rgb"));
  const differences = own.pixels.map((value, i) => Math.abs(value - pixels[i]));
  const sigmas = JSON.parse(readFileSync(join(model.folder, "sigmas.json"), "utf8"));
  const ownSigmas = sampleSigmas(files.scheduler, request.steps, (size.rows / 2) * (size.columns / 2));
  const result = {
    model: model.name,
    threads,
    steps: request.steps,
    pixels: nativePixels,
    ownMs: spread(own.times),
    diffusersMs: spread(theirs),
    ratio: spread(theirs).median / spread(own.times).median,
    largestPixelDifference: differences.reduce((a, b) => Math.max(a, b), 0),
    differingBytesRatio: differences.filter((value) => value > 0).length / differences.length,
    largestSigmaDifference: Math.max(...sigmas.map((sigma, i) => Math.abs(sigma - ownSigmas[i]))),
    versions,
  };
  const ms = (times) => `${times.median.toFixed(0)} ms (${times.lowest.toFixed(0)}–${times.highest.toFixed(0)})`;
  const rows = [
    [`TypeScript on ONNX Runtime, ${nativePixels}², ${request.steps} steps, ${threads} threads`, ms(result.ownMs), "–"],
    [`diffusers (${versions})`, ms(result.diffusersMs), "–"],
    ["diffusers' time divided by ours", `${result.ratio.toFixed(2)}×`, "above 1"],
    ["largest pixel difference", `${result.largestPixelDifference}/255`, "at most 2/255"],
    ["bytes that differ at all", `${(result.differingBytesRatio * 100).toFixed(2)} %`, "–"],
  ];
  if (options.report) {
    writeReport("flux-against-diffusers", "The same picture here and in diffusers", {
      command: "node benchmarks/flux/against-diffusers.mjs --report",
      rows,
      notes: [`Model: ${model.name}. Text encoder, all steps and decoder, in turns, ${options.rounds} rounds after 2 to warm up; median (lowest–highest).`],
    });
  }
  console.log(options.json ? JSON.stringify(result, null, 2) : rows.map(([what, value]) => `${what}: ${value}`).join("\n"));
}
