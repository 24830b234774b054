// The queue beside pg-boss and graphile-worker, on the same PostgreSQL in the same run, in interleaved rounds.
// node benchmarks/queue/run.mjs [--rounds 3] [--tasks 1500] [--only atelier] [--write]     (Node 22.18 or later: the peers')
// With --only atelier --finished 1000000 --waiting 100000: empty tables beside those of a busy server, in turn.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";

import { openDatabase } from "@atelier/server/db/database";
import { migrate } from "@atelier/server/db/migrate";
import { startDatabase } from "@atelier/server/db/start-database";
import { openLog } from "@atelier/server/log";

import { writeReport } from "../flux/measure.mjs";
import { fillWithTasks } from "../server/fill-with-tasks.mjs";
import { measureSync } from "./disk.mjs";
import { median, percentile } from "./percentiles.mjs";
import { progressAtOnce, progressOneByOne } from "./progress-table.mjs";

const concurrency = 32;
const databaseUser = "atelier";
const latencyTasks = 200;
const latencyPauseMs = 20;
const drainLimitMs = 120_000;
const differences = [
  "",
  "The lives differ in their progress. Atelier's run does not wait for its reports, and those of one that is over at once go with its",
  "end in one statement. The peers have no log of progress: each life of `pg-boss` and `graphile-worker` waits for three commits of one",
  "event, each life of those `-at-once` for one commit of three, before the job's end, which their libraries write by themselves.",
];

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    tasks: { type: "string", default: "1500" },
    only: { type: "string" },
    finished: { type: "string", default: "0" },
    waiting: { type: "string", default: "0" },
    write: { type: "boolean", default: false },
  },
});
const past = { finished: Number(options.finished), waiting: Number(options.waiting) };
const hasPast = past.finished + past.waiting > 0;
if (hasPast && options.only !== "atelier") throw new Error("--finished and --waiting fill Atelier's tables: give --only atelier too");
const openers = await contenders();
const log = openLog({ level: "silent", pretty: false });
const folder = mkdtempSync(join(tmpdir(), "atelier-queue-benchmark-"));
const postgres = await startDatabase({ log }, { databaseUrl: undefined, folder, runAs: "auto" });
const results = Object.fromEntries(Object.keys(openers).map((name) => [name, { submit: [], finish: [], lives: [], starts: [] }]));
const syncs = [];
try {
  if (hasPast) await fillPast();
  for (let round = 0; round < Number(options.rounds); round += 1) {
    syncs.push(...measureSync(folder));
    const order = Object.keys(openers);
    for (let turn = 0; turn < order.length; turn += 1) await measure(order[(turn + round) % order.length], round);
  }
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
report();

async function contenders() {
  const peers = join(import.meta.dirname, "peers");
  const names = hasPast ? ["atelier", "atelier-large"] : options.only ? options.only.split(",") : ["atelier", "pg-boss", "graphile-worker", "pg-boss-at-once", "graphile-worker-at-once"];
  if (names.some((name) => !name.startsWith("atelier")) && !existsSync(join(peers, "node_modules"))) {
    execFileSync("npm", ["ci", "--prefix", peers, "--no-audit", "--no-fund"], { stdio: "inherit" });
  }
  const known = {
    atelier: async () => (await import("./contender-atelier.mjs")).openAtelier,
    "atelier-large": async () => (await import("./contender-atelier.mjs")).openAtelier,
    "pg-boss": () => pgBoss(progressOneByOne),
    "pg-boss-at-once": () => pgBoss(progressAtOnce),
    "graphile-worker": () => graphileWorker(progressOneByOne),
    "graphile-worker-at-once": () => graphileWorker(progressAtOnce),
  };
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await known[name]()])));
}

/** Imported only when it is asked for: the peers are installed then. */
async function pgBoss(writeProgress) {
  const { openPgBoss } = await import("./contender-pg-boss.mjs");
  return (address) => openPgBoss(address, writeProgress);
}

async function graphileWorker(writeProgress) {
  const { openGraphileWorker } = await import("./contender-graphile-worker.mjs");
  return (address) => openGraphileWorker(address, writeProgress);
}

/** A database with the tasks of a busy server's past, from which those of the rounds are copied. */
async function fillPast() {
  const admin = openDatabase({ log }, addressOf("postgres"));
  await admin.query("create database past");
  await admin.close();
  const db = openDatabase({ log }, addressOf("past"), { answerMs: 0 });
  await migrate({ db, log });
  await fillWithTasks(db, past);
  await db.close();
}

function addressOf(database) {
  return { host: postgres.socketDir, user: databaseUser, database };
}

/** One contender in a database of its own: submit everything, then process it; then both at once; then one at a time. */
async function measure(name, round) {
  const database = `round_${round}_${name.replaceAll("-", "_")}`;
  const admin = openDatabase({ log }, addressOf("postgres"), { answerMs: 0 });
  await admin.query(`create database ${database} ${name === "atelier-large" ? "template past strategy file_copy" : ""}`);
  await admin.query("checkpoint");
  const address = addressOf(database);
  const contender = await openers[name](address);
  const result = results[name];
  const tasks = Number(options.tasks);
  try {
    result.submit.push(tasks / (await seconds(() => submitAll(contender, tasks))));
    const startedAt = new Map();
    const preloaded = seconds(() => untilFinished(contender));
    await contender.work({ concurrency, onStarted: (number) => startedAt.set(number, performance.now()) });
    result.finish.push(tasks / (await preloaded));
    result.lives.push(tasks / (await seconds(async () => {
      await submitAll(contender, tasks);
      await untilFinished(contender);
    })));
    result.starts.push(...(await startLatencies(contender, startedAt)));
    console.error(`round ${round + 1} ${name}: ${describe({ ...result, submit: result.submit.slice(-1), finish: result.finish.slice(-1), lives: result.lives.slice(-1) })}`);
  } finally {
    await contender.close();
    await admin.query(`drop database ${database} with (force)`);
    await admin.close();
  }
}

async function submitAll(contender, tasks) {
  let next = 0;
  const submitter = async () => {
    while (next < tasks) await contender.submit(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, submitter));
}

async function untilFinished(contender) {
  const deadline = Date.now() + drainLimitMs;
  while (await contender.isBusy()) {
    if (Date.now() > deadline) throw new Error(`${contender.name} did not finish in time`);
    await delay(20);
  }
}

/** From the call of submit to the first line of the task's own work, with nothing else waiting. */
async function startLatencies(contender, startedAt) {
  const submittedAt = new Map();
  for (let number = 1_000_000; number < 1_000_000 + latencyTasks; number += 1) {
    submittedAt.set(number, performance.now());
    await contender.submit(number);
    await delay(latencyPauseMs);
  }
  await untilFinished(contender);
  return [...submittedAt].map(([number, at]) => startedAt.get(number) - at);
}

async function seconds(work) {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
}

function describe({ submit, finish, lives, starts }) {
  const rates = [median(submit), median(finish), median(lives)].map((rate) => Math.round(rate));
  return `${rates[0]} submitted/s, ${rates[1]} finished/s, ${rates[2]} lives/s, start p50 ${median(starts).toFixed(1)} ms p99 ${percentile(starts, 0.99).toFixed(1)} ms`;
}

function report() {
  console.log(`fdatasync of 8 KiB: p50 ${median(syncs).toFixed(2)} ms, p99 ${percentile(syncs, 0.99).toFixed(2)} ms`);
  for (const [name, result] of Object.entries(results)) console.log(`${name.padEnd(24)} ${describe(result)}`);
  if (!options.write) return;
  const target = hasPast ? { "atelier-large": "within 2 times of the empty one" } : { atelier: "ahead of both peers" };
  const rows = Object.entries(results).map(([name, result]) => [name, describe(result), target[name] ?? "-"]);
  rows.push(["disk alone", `fdatasync of 8 KiB: p50 ${median(syncs).toFixed(2)} ms, p99 ${percentile(syncs, 0.99).toFixed(2)} ms`, "-"]);
  const node = "npx -y --ignore-scripts=false node@24";
  const sizes = hasPast ? ` --only atelier --finished ${past.finished} --waiting ${past.waiting}` : "";
  const title = hasPast ? "The queue among a million tasks" : "The queue beside pg-boss and graphile-worker";
  writeReport(hasPast ? "queue-large" : "queue", title, {
    command: `${node} benchmarks/queue/run.mjs${sizes} --rounds ${options.rounds} --tasks ${options.tasks} --write`,
    rows,
    notes: [
      `${options.tasks} tasks a round, ${options.rounds} rounds in turns, ${concurrency} at once, medians. A life: submit, claim, three progress`,
      "events, finish, every step durable. Atelier's life also writes its ten statuses as events and its ledger line.",
      ...(Object.keys(results).some((name) => !name.startsWith("atelier")) ? differences : []),
      ...(hasPast ? [`atelier-large: ${past.finished} finished tasks and ${past.waiting} waiting ones of 20 other projects lie in its tables.`] : []),
    ],
  });
}
