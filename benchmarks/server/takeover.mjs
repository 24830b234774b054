// How soon the task of a worker that is gone is claimed again, counted from the worker's last heartbeat by the database's clock:
// killed (SIGKILL), frozen (SIGSTOP). And how soon a remote worker whose task was killed takes its next one.
// node benchmarks/server/takeover.mjs [--rounds 20] [--write]

import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import { limits } from "@atelier/server/limits";

import { writeReport } from "../flux/measure.mjs";
import { median, percentile } from "../queue/percentiles.mjs";
import { root, withServer } from "./bench-server.mjs";

const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "20" }, write: { type: "boolean", default: false }, help: { type: "boolean", short: "h", default: false } },
});
if (options.help) {
  console.log("node benchmarks/server/takeover.mjs [--rounds 20] [--write]   --write: benchmarks/results/takeover.md");
  process.exit(0);
}
const bin = join(root, "bin/atelier.mjs");
const longRun = { prompt: "stepMs=100", steps: 1000 };

const results = await withServer({ workers: 0 }, async (server) => {
  const { token } = JSON.parse(execFileSync(process.execPath, [bin, "worker-token", "create", "benchmark", "--data", server.data, "--json"], { encoding: "utf8" }));
  const start = () => startWorker(server, token);
  const workers = [await start(), await start()];
  try {
    return {
      killed: await takeovers(server, workers, { start, lose: (worker) => worker.child.kill("SIGKILL") }),
      frozen: await takeovers(server, workers, { start, lose: (worker) => worker.child.kill("SIGSTOP") }),
      kill: await killsOfOne(server, workers),
    };
  } finally {
    for (const { child } of workers) child.kill("SIGKILL");
  }
});
report();

/** Its log tells the id by which its leases name it, in its first line. */
async function startWorker(server, token) {
  const child = spawn(process.execPath, [bin, "worker", "--server", server.url, "--models", join(server.data, "models")], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ATELIER_FAKE_ENGINE: "1", ATELIER_LOG_LEVEL: "info", ATELIER_LOG_FORMAT: "json", ATELIER_WORKER_TOKEN: token },
  });
  const lines = createInterface({ input: child.stderr });
  const workerId = await new Promise((resolve) =>
    lines.on("line", (line) => {
      const { msg, workerId: id } = JSON.parse(line);
      if (msg === "worker.started") resolve(id);
    }),
  );
  return { child, workerId };
}

/** One task at a time; the worker that holds it is lost, and another one started in its place. */
async function takeovers(server, workers, { start, lose }) {
  const elapsed = [];
  for (let round = 0; round < Number(options.rounds); round += 1) {
    const taskId = await run(server);
    await until(server, taskId, (task) => task.status === "task_output");
    const holder = await holderOf(server, taskId, workers);
    lose(holder);
    // Read behind the loss: no renewal comes after it, but one may have been under way.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { lease_expires_at: expires } = await until(server, taskId, () => true);
    const taken = await until(server, taskId, (task) => task.attempt === 2 && task.accepted_at !== null);
    elapsed.push(taken.accepted_at - (expires - limits.leaseMs));
    holder.child.kill("SIGKILL");
    await server.call("/Task/Kill", { taskid: taskId });
    workers.splice(workers.indexOf(holder), 1, await start());
  }
  return elapsed;
}

async function holderOf(server, taskId, workers) {
  const { worker_id: held } = await until(server, taskId, (task) => task.worker_id !== null);
  const holder = workers.find(({ workerId }) => held.endsWith(workerId));
  if (!holder) throw new Error(`the task's worker is none of ours: ${held}`);
  return holder;
}

/** From the kill's request to the next accept of the only worker: its engine had stopped. */
async function killsOfOne(server, [worker, other]) {
  other.child.kill("SIGKILL");
  const elapsed = [];
  let current = await run(server);
  for (let round = 0; round < Number(options.rounds); round += 1) {
    const next = await run(server);
    await until(server, current, (task) => task.status === "task_output" && task.worker_id.endsWith(worker.workerId));
    const killedAt = (await server.db.query("select clock_timestamp() as now")).rows[0].now;
    await server.call("/Task/Kill", { taskid: current });
    const { accepted_at: accepted } = await until(server, next, (task) => task.accepted_at !== null);
    elapsed.push(accepted - killedAt);
    current = next;
  }
  await server.call("/Task/Kill", { taskid: current });
  return elapsed;
}

async function run(server) {
  const answer = await server.call("/Run/test/fake", longRun);
  if (!answer.result) throw new Error(JSON.stringify(answer.errors));
  return answer.taskid;
}

/** Polls the row itself: the times are read from it, so the poll's pace does not count. */
async function until(server, taskId, condition) {
  for (;;) {
    const { rows } = await server.db.query("select status, attempt, worker_id, accepted_at, lease_expires_at from tasks where id = $1", [taskId]);
    if (condition(rows[0])) return rows[0];
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function report() {
  const line = (values) => `p50 ${Math.round(median(values))} ms, p99 ${Math.round(percentile(values, 0.99))} ms, most ${Math.round(Math.max(...values))} ms (${values.length})`;
  const rows = [
    ["Last heartbeat to the next claim, worker killed (SIGKILL)", line(results.killed), "5 s"],
    ["Last heartbeat to the next claim, worker frozen (SIGSTOP)", line(results.frozen), "5 s"],
    ["Kill to next accept of the same remote worker, steps of 100 ms", line(results.kill), "one step or 1 s (p99)"],
  ];
  for (const row of rows) console.log(row.slice(0, 2).join(": "));
  const notes = ["A lease lasts 4 s from the heartbeat, and servers look for leases that have run out every 500 ms."];
  if (options.write) writeReport("takeover", "A task whose worker is gone", { command: `node benchmarks/server/takeover.mjs --rounds ${options.rounds} --write`, rows, notes });
}
