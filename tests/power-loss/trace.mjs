// Shows by a trace of the system calls that a Run is on disk before it is answered: for each reply, the bytes of that very
// task (its token) were written to PostgreSQL's write-ahead log, and an fdatasync of that file had returned, before the
// server began to write the reply. A power cut after the reply therefore cannot lose the task.
// node tests/power-loss/trace.mjs [--runs 50] [--write]     (Linux; needs strace and the right to trace)

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";

import { writeReport } from "../../benchmarks/flux/measure.mjs";
import { withServer } from "../../benchmarks/server/bench-server.mjs";
import { callsOf } from "./system-calls.mjs";

const { values: options } = parseArgs({ options: { runs: { type: "string", default: "50" }, write: { type: "boolean", default: false } } });
const traced = "trace=fdatasync,fsync,pwrite64,pwritev,pwritev2,write,writev,sendto,sendmsg";
const attachMs = 1_500;

if (spawnSync("strace", ["-V"]).error) {
  console.error("power-loss: NOT RUN, strace is missing (Debian: apt-get install strace)");
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "atelier-trace-"));
try {
  const file = join(folder, "calls");
  const { tokens, handedOver } = await tracedRuns(file);
  const calls = callsOf(readFileSync(file, "latin1"));
  report(tokens.map((token) => judge(calls, token)), handedOver);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Tokens of the tasks whose Run was answered while the trace was on. They come in pairs: the first finds a worker that waits, so that its
 *  commit is that of the claim as well (docs/adr/0009-handing-over.md); the second finds it at work. */
function tracedRuns(file) {
  return withServer({ workers: 1 }, async (server) => {
    const postmaster = readFileSync(join(server.data, "postgres/postmaster.pid"), "utf8").split("\n")[0];
    // Sessions that are there already are children to name; those that come are followed.
    const sessions = execFileSync("ps", ["--ppid", postmaster, "-o", "pid="], { encoding: "utf8" }).trim().split(/\s+/);
    const processes = [postmaster, ...sessions, String(server.pid)].flatMap((pid) => ["-p", pid]);
    const strace = spawn("strace", ["-f", "-ttt", "-T", "-y", "-s", "200000", "-e", traced, "-o", file, ...processes], { stdio: "ignore" });
    await delay(attachMs);
    const tokens = [];
    for (let number = 0; number < Number(options.runs); number += 1) {
      if (number % 2 === 0) await untilIdle(server.db);
      const answer = await server.call("/Run/test/fake", { prompt: "stepMs=10" });
      tokens.push(answer.socketaccesstoken);
    }
    strace.kill("SIGINT");
    await once(strace, "exit");
    const { rows } = await server.db.query("select from tasks where token = any($1) and created_at = accepted_at", [tokens]);
    return { tokens, handedOver: rows.length };
  });
}

async function untilIdle(db) {
  while ((await db.query("select from tasks where phase in ('waiting', 'leased') limit 1")).rows.length > 0) await delay(20);
  // The worker asks again.
  await delay(50);
}

/** Milliseconds from the end of the deciding fdatasync to the begin of the reply; undefined when the order was not kept. */
function judge(calls, token) {
  const reply = calls.find((call) => /^(write|writev|sendto|sendmsg)$/.test(call.name) && call.text.includes("HTTP/1.1 200") && call.text.includes(token));
  const logged = calls.find((call) => call.name.startsWith("pwrite") && call.text.includes("/pg_wal/") && call.text.includes(token));
  if (!reply || !logged) return undefined;
  const walFile = /<([^>]*\/pg_wal\/[^>]*)>/.exec(logged.text)?.[1];
  const synced = calls.find((call) => call.name === "fdatasync" && call.text.includes(walFile) && call.beganAt >= logged.endedAt && call.result === 0);
  if (!synced || synced.endedAt > reply.beganAt) return undefined;
  return (reply.beganAt - synced.endedAt) * 1_000;
}

function report(gaps, handedOver) {
  const kept = gaps.filter((gap) => gap !== undefined);
  const verdict = `${kept.length} of ${gaps.length} replies came after the fdatasync of their own bytes (${handedOver} of the tasks were claimed in the same commit)`;
  console.log(`power-loss: ${verdict}; the closest ${Math.min(...kept).toFixed(2)} ms after it`);
  if (options.write) {
    const rows = [["replies after their bytes were synced", verdict, "all"], ["closest reply", `${Math.min(...kept).toFixed(2)} ms after the fdatasync`, "after it"]];
    writeReport("power-loss", "A Run is on disk before it is answered", { command: "node tests/power-loss/trace.mjs --write", rows });
  }
  if (kept.length !== gaps.length || handedOver === 0 || handedOver === gaps.length) process.exitCode = 1;
}
