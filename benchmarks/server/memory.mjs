// Resident memory of an idle server and of its engine after a run, and what a second run loads.
// node benchmarks/server/memory.mjs [--json]   (after `npm run build`)

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

const root = join(import.meta.dirname, "../..");
const atelier = join(root, "bin/atelier.mjs");
const data = mkdtempSync(join(tmpdir(), "atelier-memory-"));
const settleMs = 3_000;

const residentMb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
const childrenOf = (pid) =>
  execFileSync("ps", ["--ppid", String(pid), "-o", "pid=,args="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => ({ pid: Number(line.trim().split(" ")[0]), args: line }));

const project = JSON.parse(
  execFileSync(process.execPath, [atelier, "project", "create", "memory", "--auth", "key", "--data", data, "--json"], { encoding: "utf8" }),
);
const server = spawn(process.execPath, [atelier, "serve", "--port", "0", "--data", data], {
  stdio: ["ignore", "pipe", "ignore"],
});
try {
  const url = await ready(server);
  await delay(settleMs);
  const report = { idleServerMb: round(residentMb(server.pid)) };
  report.firstRunMs = await run(url);
  report.secondRunMs = await run(url);
  const engine = childrenOf(server.pid).find((child) => child.args.includes("engines/flux"));
  report.engineMb = round(residentMb(engine.pid));
  report.serverAfterRunsMb = round(residentMb(server.pid));
  if (process.argv.includes("--json")) console.log(JSON.stringify(report));
  else for (const [name, value] of Object.entries(report)) console.log(`${name.padEnd(18)} ${value}`);
} finally {
  server.kill("SIGTERM");
  await new Promise((resolve) => server.once("exit", resolve));
  rmSync(data, { recursive: true, force: true });
}

async function ready(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^ready (\S+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error("the server ended before it was ready");
}

/** Submits one 256x256 run of 8 steps and polls until it has ended; milliseconds from submit to end. */
async function run(url) {
  const startedAt = performance.now();
  const input = { prompt: "a red planet", steps: 8, width: 256, height: 256 };
  const { taskid } = await call(url, "/Run/atelier/starter", input);
  for (;;) {
    const [task] = (await call(url, "/Task/Detail", { taskid })).tasklist;
    if (task.status === "task_postprocess_end" && task.pexit === "0") return Math.round(performance.now() - startedAt);
    if (task.status === "task_postprocess_end") throw new Error(`the run failed: ${task.debugerror}`);
    await delay(10);
  }
}

async function call(url, path, body) {
  const headers = { "x-api-key": project.apikey, "content-type": "application/json" };
  const response = await fetch(`${url}/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return response.json();
}

function round(value) {
  return Math.round(value * 10) / 10;
}
