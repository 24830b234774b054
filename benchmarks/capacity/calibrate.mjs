// Measures what the simulation needs to know: what one task life costs PostgreSQL and a server, on this machine.
// node benchmarks/capacity/calibrate.mjs [--tasks 2000] [--write]        (--write: benchmarks/capacity/calibration.json)

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";

import { startDatabase } from "@atelier/server/db/start-database";
import { openLog } from "@atelier/server/log";

import { machine } from "../flux/measure.mjs";
import { openAtelier } from "../queue/contender-atelier.mjs";
import { measureSync } from "../queue/disk.mjs";
import { median } from "../queue/percentiles.mjs";

const { values: options } = parseArgs({ options: { tasks: { type: "string", default: "2000" }, write: { type: "boolean", default: false } } });
const concurrency = 32;
const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
const log = openLog({ level: "silent", pretty: false });
const folder = mkdtempSync(join(tmpdir(), "atelier-capacity-"));
const postgres = await startDatabase({ log }, { databaseUrl: undefined, folder, runAs: "auto" });
try {
  const address = { host: postgres.socketDir, user: "atelier", database: "atelier" };
  const contender = await openAtelier(address);
  const tasks = Number(options.tasks);
  const submitted = await spent(() => submitAll(contender, tasks));
  const finished = await spent(async () => {
    await contender.work({ concurrency, onStarted: () => undefined });
    while ((await contender.unfinished()) > 0) await delay(50);
  });
  const { rows } = await postgres.db.query("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as wal");
  await contender.close();
  const calibration = {
    ...machine(),
    databaseMsPerSubmit: submitted.databaseMs / tasks,
    databaseMsPerRun: finished.databaseMs / tasks,
    serverMsPerLife: (submitted.ownMs + finished.ownMs) / tasks,
    walBytesPerLife: rows[0].wal / tasks,
    syncMs: median(measureSync(folder)),
  };
  console.log(JSON.stringify(calibration, null, 2));
  if (options.write) writeFileSync(join(import.meta.dirname, "calibration.json"), `${JSON.stringify(calibration, null, 2)}\n`);
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function submitAll(contender, tasks) {
  let next = 0;
  const submitter = async () => {
    while (next < tasks) await contender.submit(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, submitter));
}

/** Processor time of PostgreSQL's processes and of this one while `work` runs. */
async function spent(work) {
  const before = { database: databaseTicks(), own: process.cpuUsage() };
  await work();
  const own = process.cpuUsage(before.own);
  return {
    databaseMs: ((databaseTicks() - before.database) / ticksPerSecond) * 1_000,
    ownMs: (own.user + own.system) / 1_000,
  };
}

/** User and system time of the postmaster and its children; of those that ended, the postmaster keeps the sum. */
function databaseTicks() {
  const postmaster = readFileSync(join(folder, "postgres/postmaster.pid"), "utf8").split("\n")[0];
  const children = execFileSync("ps", ["--ppid", postmaster, "-o", "pid="], { encoding: "utf8" }).trim().split(/\s+/);
  const ticks = (pid, fields) => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
    return fields.reduce((sum, field) => sum + Number(stat[field]), 0);
  };
  return ticks(postmaster, [11, 12, 13, 14]) + children.reduce((sum, pid) => sum + ticks(pid, [11, 12]), 0);
}
