// Run over HTTP: signed, answered after the durable commit, at a fixed rate; and from submit to a worker, one at a time.
// Beside the disk's own fdatasync. node benchmarks/server/submit.mjs [--rate 500] [--seconds 20] [--finished 1000000 --waiting 100000] [--write]

import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";

import { writeReport } from "../flux/measure.mjs";
import { measureSync } from "../queue/disk.mjs";
import { median, percentile } from "../queue/percentiles.mjs";
import { withServer } from "./bench-server.mjs";
import { fillWithTasks } from "./fill-with-tasks.mjs";

const { values: options } = parseArgs({
  options: {
    rate: { type: "string", default: "500" },
    seconds: { type: "string", default: "20" },
    finished: { type: "string", default: "0" },
    waiting: { type: "string", default: "0" },
    write: { type: "boolean", default: false },
  },
});
/** Before the measurement, at half its rate: a process just started still compiles what it runs. */
const warmUpRuns = 1_500;
const startSamples = 300;
const startPauseMs = 40;
/** Enough that a task finds one free: what is measured is the way to it. */
const places = 4;

const submits = [];
const starts = [];
const syncs = [];
// Nobody claims while submits are measured: the two cores belong to the server, PostgreSQL and this client.
await withServer({ workers: 0 }, async (server) => {
  await fillWithTasks(server.db, { finished: Number(options.finished), waiting: Number(options.waiting) });
  syncs.push(...measureSync(server.data));
  await submitAtRate(server, { total: warmUpRuns, rate: Number(options.rate) / 2 });
  submits.push(...(await submitAtRate(server, { total: Number(options.rate) * Number(options.seconds), rate: Number(options.rate) })));
  syncs.push(...measureSync(server.data));
});
await withServer({ workers: places }, async (server) => {
  await fillWithTasks(server.db, { finished: Number(options.finished), waiting: Number(options.waiting) });
  starts.push(...(await startLatencies(server)));
  syncs.push(...measureSync(server.data));
});
report();

/** Open loop: a request leaves on time whether or not the one before it was answered. Latency counts from that time. */
async function submitAtRate(server, { total, rate }) {
  const beganAt = performance.now();
  const answers = [];
  for (let number = 0; number < total; number += 1) {
    const dueAt = beganAt + (number * 1_000) / rate;
    const early = dueAt - performance.now();
    if (early > 1) await delay(early);
    answers.push(submit(server, dueAt));
  }
  return Promise.all(answers);
}

async function submit(server, dueAt) {
  const answer = await server.call("/Run/test/fake", { prompt: "a red planet" });
  if (!answer.result) throw new Error(JSON.stringify(answer.errors));
  return performance.now() - dueAt;
}

/** By the database's own clock: from the row's creation to its accept by a worker. */
async function startLatencies(server) {
  await startEngines(server);
  const ids = [];
  for (let number = 0; number < startSamples; number += 1) {
    ids.push((await server.call("/Run/test/fake", { prompt: "a red planet", steps: 1 })).taskid);
    await delay(startPauseMs);
  }
  await delay(1_000);
  const { rows } = await server.db.query(
    `select extract(epoch from accepted_at - created_at) * 1000 as ms from tasks where id = any($1) and accepted_at is not null`,
    [ids],
  );
  return rows.map((row) => Number(row.ms));
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
    [`submit at ${options.rate}/s, ${load}`, line(submits), "p99 under 10 ms plus the disk's p99"],
    [`submit to worker, ${load}`, line(starts), "p50 5 ms, p99 20 ms plus the disk's p99"],
    ["the disk's fdatasync of 8 KiB", line(syncs), "-"],
  ];
  for (const row of rows) console.log(row.slice(0, 2).join(": "));
  const name = Number(options.finished) > 0 ? "submit-large" : "submit";
  const sizes = Number(options.finished) > 0 ? ` --finished ${options.finished} --waiting ${options.waiting}` : "";
  const command = `node benchmarks/server/submit.mjs${sizes} --write`;
  if (options.write) writeReport(name, "Submit and start", { command, rows });
}
