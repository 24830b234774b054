// Measures the engine as the server uses it: a warm picture, what a second run loads, what another adapter costs,
// the memory. `node benchmarks/flux/run.mjs [--rounds 9] [--threads 2] [--json] [--report]` (after `npm run build`).

import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startEngine } from "./engine-child.mjs";
import { median, modelUnderTest, prompt, spread, writeReport } from "./measure.mjs";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    threads: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
  },
});

const threads = Number(options.threads);
const rounds = Number(options.rounds);
const model = await modelUnderTest();
const outputFolder = join(model.folder, "pictures");
mkdirSync(outputFolder);
// The same matrices under another name: another adapter to the engine, the same work for the processor.
const other = join(model.folder, "other.safetensors");
copyFileSync(model.adapter, other);

try {
  const engine = startEngine({ threads });
  const ready = await engine.next("ready");
  let runs = 0;
  const draw = async (adapters, change = {}) => {
    const input = { prompt, steps: 8, guidanceScale: 3.5, seed: 7, widthPixels: 256, heightPixels: 256, samples: 1, ...change };
    const uses = adapters.map((path) => ({ path, weight: 1 }));
    const startMs = performance.now();
    engine.send({ type: "run", runId: `run-${runs++}`, basePath: model.base, adapters: uses, input, outputFolder, metadata: {} });
    const done = await engine.next("done");
    return { elapsedMs: done.atMs - startMs, loadCount: done.loadCount };
  };

  const cold = await draw([]);
  const second = await draw([]);
  const first = model.adapter;
  await draw([first]);
  const firstUse = await draw([other]);
  const times = { bare: [], same: [], another: [], swap: [], large: [] };
  for (let round = 0; round < rounds; round++) {
    times.bare.push((await draw([])).elapsedMs);
    await draw([first]);
    for (const [own, next] of [[first, other], [other, first]]) {
      const same = (await draw([own])).elapsedMs;
      const another = (await draw([next])).elapsedMs;
      times.same.push(same);
      times.another.push(another);
      times.swap.push(another - same);
    }
  }
  for (let round = 0; round < 3; round++) {
    times.large.push((await draw([], { widthPixels: 1024, heightPixels: 1024 })).elapsedMs);
  }
  const last = await draw([]);
  engine.send({ type: "health", requestId: "memory" });
  const { residentBytes } = await engine.next("health");
  await engine.stop();
  print({
    model: model.name,
    threads,
    readyMs: ready.atMs - engine.startMs,
    coldMs: cold.elapsedMs,
    warmMs: spread(times.bare),
    loadsAfterFirstRun: cold.loadCount,
    loadsAfterSecondRun: second.loadCount,
    loadsAfterAllRuns: last.loadCount,
    sameAdapterMs: spread(times.same),
    anotherAdapterMs: spread(times.another),
    swapCostMs: median(times.swap),
    firstUseOfAdapterMs: firstUse.elapsedMs,
    enlargedMs: median(times.large),
    residentMegabytes: residentBytes / 1e6,
  });
} finally {
  rmSync(model.folder, { recursive: true, force: true });
}

function print(result) {
  const ms = (times) => `${times.median.toFixed(0)} ms (${times.lowest.toFixed(0)}–${times.highest.toFixed(0)})`;
  const loads = [result.loadsAfterFirstRun, result.loadsAfterSecondRun, result.loadsAfterAllRuns];
  const rows = [
    [`warm picture, 256², 8 steps, ${threads} threads, with PNG`, ms(result.warmMs), "at most 1000 ms"],
    ["loads after the first, the second, all runs", loads.join(", "), "1, 1, 1"],
    ["another adapter than in the run before, against the same again", `${result.swapCostMs.toFixed(1)} ms`, "under 5 ms"],
    ["warm picture with the same adapter again", ms(result.sameAdapterMs), "–"],
    ["warm picture with another adapter", ms(result.anotherAdapterMs), "–"],
    ["first use of an adapter, file read and checked", `${result.firstUseOfAdapterMs.toFixed(0)} ms`, "–"],
    ["warm picture enlarged to 1024²", `${result.enlargedMs.toFixed(0)} ms`, "–"],
    ["engine start until ready", `${result.readyMs.toFixed(0)} ms`, "–"],
    ["first picture, load included", `${result.coldMs.toFixed(0)} ms`, "–"],
    ["resident memory of the engine", `${result.residentMegabytes.toFixed(0)} MB`, "at most 600 MB"],
  ];
  if (options.report) {
    writeReport("flux-engine", "The flux engine on this processor", {
      command: "node benchmarks/flux/run.mjs --report",
      rows,
      notes: [`Model: ${result.model}. ${rounds} rounds, interleaved; median (lowest–highest).`],
    });
  }
  console.log(options.json ? JSON.stringify(result, null, 2) : rows.map(([what, value]) => `${what}: ${value}`).join("\n"));
}
