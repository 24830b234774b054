// Run over HTTP: signed, answered after the durable commit, at fixed rates; and from submit to a worker, one at a time.
// Beside the disk's own fdatasync, the client's own delay and who used the processors; when the slowest were sent is printed.
// node benchmarks/server/submit.mjs [--rates 500] [--seconds 20] [--finished 1000000 --waiting 100000] [--write]

import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";

import { writeReport } from "../flux/measure.mjs";
import { measureSync } from "../queue/disk.mjs";
import { median, percentile } from "../queue/percentiles.mjs";
import { withServer } from "./bench-server.mjs";
import { fillWithTasks } from "./fill-with-tasks.mjs";
import { withProcessorShares } from "./processor-shares.mjs";

const { values: options } = parseArgs({
  options: {
    rates: { type: "string", default: "500" },
    seconds: { type: "string", default: "20" },
    finished: { type: "string", default: "0" },
    waiting: { type: "string", default: "0" },
    write: { type: "boolean", default: false },
  },
});
const rates = options.rates.split(",").map(Number);
/** Before the measurement, six seconds of it: a process just started still compiles what it runs. */
const warmUp = { total: 1_500, rate: 250 };
const timelineStepMs = 100;
const startSamples = 300;
const startPauseMs = 40;
/** Enough that a task finds one free: what is measured is the way to it. */
const places = 4;

const submits = new Map();
/** To Runs that come one at a time: without a worker, and with one that waits and is given the task in the same transaction. */
const answers = { alone: [], handedOver: [] };
const starts = [];
const syncs = [];
// Nobody claims while submits are measured: the two cores belong to the server, PostgreSQL and this client.
await withServer({ workers: 0 }, async (server) => {
  await fillWithTasks(server.db, { finished: Number(options.finished), waiting: Number(options.waiting) });
  syncs.push(...measureSync(server.data));
  await submitAtRate(server, warmUp);
  for (const rate of rates) {
    const load = { total: rate * Number(options.seconds), rate };
    const { result, shares } = await withProcessorShares(server, () => submitAtRate(server, load));
    submits.set(rate, { ...result, shares });
  }
  answers.alone.push(...(await submitSlowly(server, {})).latencies);
  syncs.push(...measureSync(server.data));
});
await withServer({ workers: places }, async (server) => {
  await fillWithTasks(server.db, { finished: Number(options.finished), waiting: Number(options.waiting) });
  starts.push(...(await startLatencies(server)));
  syncs.push(...measureSync(server.data));
});
report();

/** Open loop: a request leaves on time whether or not the one before it was answered. Latency counts from that time, so that
 *  what this client is late counts too; its own pauses are told beside. */
async function submitAtRate(server, { total, rate }) {
  const pauses = monitorEventLoopDelay({ resolution: 1 });
  pauses.enable();
  const beganAt = performance.now();
  const answers = [];
  for (let number = 0; number < total; number += 1) {
    const dueAt = beganAt + (number * 1_000) / rate;
    const early = dueAt - performance.now();
    if (early > 1) await delay(early);
    answers.push(submit(server, dueAt));
  }
  const latencies = await Promise.all(answers);
  pauses.disable();
  return { latencies, rate, clientPauseMs: pauses.max / 1e6 };
}

async function submit(server, dueAt) {
  const answer = await server.call("/Run/test/fake", { prompt: "a red planet" });
  if (!answer.result) throw new Error(JSON.stringify(answer.errors));
  return performance.now() - dueAt;
}

/** From before the request to the worker's first own step. Both clocks are this machine's: the client's, and PostgreSQL's less the
 *  age that the worker gave its report. */
async function startLatencies(server) {
  await startEngines(server);
  const { submittedAt, latencies } = await submitSlowly(server, { steps: 1 });
  answers.handedOver.push(...latencies);
  await delay(1_000);
  const { rows } = await server.db.query(
    `select id, extract(epoch from preprocess_started_at) * 1000 as at from tasks where id = any($1) and preprocess_started_at is not null`,
    [[...submittedAt.keys()]],
  );
  return rows.map((row) => Number(row.at) - submittedAt.get(row.id));
}

/** One at a time, with pauses; by task the time before its request. */
async function submitSlowly(server, more) {
  const submittedAt = new Map();
  const latencies = [];
  for (let number = 0; number < startSamples; number += 1) {
    const beganAt = performance.now();
    const { taskid } = await server.call("/Run/test/fake", { prompt: "a red planet", ...more });
    latencies.push(performance.now() - beganAt);
    submittedAt.set(taskid, performance.timeOrigin + beganAt);
    await delay(startPauseMs);
  }
  return { submittedAt, latencies };
}

/** An engine's own start is not what is measured. */
async function startEngines(server) {
  const started = await Promise.all(
    Array.from({ length: places }, () => server.call("/Run/test/fake", { prompt: "stepMs=1500", steps: 1 })),
  );
  for (;;) {
    const { rows } = await server.db.query("select from tasks where id = any($1) and pexit is null", [started.map(({ taskid }) => taskid)]);
    if (rows.length === 0) return;
    await delay(50);
  }
}

function report() {
  const line = (values) => `p50 ${median(values).toFixed(1)} ms, p99 ${percentile(values, 0.99).toFixed(1)} ms`;
  const load = `${options.finished} finished and ${options.waiting} waiting tasks`;
  const rows = [
    ...[...submits].map(([rate, { latencies, clientPauseMs, shares }]) => [
      `submit at ${rate}/s, ${load}`,
      `${line(latencies)}, longest ${Math.max(...latencies).toFixed(1)} ms; the client's longest pause ${clientPauseMs.toFixed(1)} ms; of a processor: ${shares}`,
      "p99 under 10 ms plus the disk's p99",
    ]),
    [`answer to one Run every ${startPauseMs} ms, no worker waits`, line(answers.alone), "-"],
    [`answer to one Run every ${startPauseMs} ms, a worker waits`, line(answers.handedOver), "-"],
    [`submit to worker, ${load}`, line(starts), "p50 5 ms, p99 20 ms plus the disk's p99"],
    ["the disk's fdatasync of 8 KiB", line(syncs), "-"],
  ];
  for (const row of rows) console.log(row.slice(0, 2).join(": "));
  for (const measured of submits.values()) console.log(timeline(measured));
  const name = Number(options.finished) > 0 ? "submit-large" : "submit";
  const rateOption = options.rates === "500" ? "" : ` --rates ${options.rates}`;
  const sizes = Number(options.finished) > 0 ? ` --finished ${options.finished} --waiting ${options.waiting}` : "";
  const command = `node benchmarks/server/submit.mjs${rateOption}${sizes} --write`;
  if (options.write) writeReport(name, "Submit and start", { command, rows });
}

/** When the slowest hundredth was sent: clustered, at the start, or all the time. */
function timeline({ latencies, rate }) {
  const slow = percentile(latencies, 0.99);
  const steps = new Map();
  for (const [number, latency] of latencies.entries()) {
    const step = Math.floor((number * 1_000) / rate / timelineStepMs);
    if (latency >= slow) steps.set(step, [...(steps.get(step) ?? []), latency]);
  }
  const told = [...steps].map(([step, late]) => `${((step * timelineStepMs) / 1_000).toFixed(1)} s: ${late.length} to ${Math.max(...late).toFixed(0)} ms`);
  return `the slowest hundredth at ${rate}/s (${slow.toFixed(1)} ms and more), sent at ${told.join("; ")}`;
}
