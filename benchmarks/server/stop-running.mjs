// How fast Kill and Cancel work. Kill: from the request until the worker has accepted its next task, so the engine had
// stopped; for a run that ends between steps and for one that ignores the wish. Cancel: the request itself.
// node benchmarks/server/stop-running.mjs [--kills 100] [--write]

import { parseArgs } from "node:util";

import { writeReport } from "../flux/measure.mjs";
import { median, percentile } from "../queue/percentiles.mjs";
import { withServer } from "./bench-server.mjs";

const { values: options } = parseArgs({
  options: { kills: { type: "string", default: "100" }, cancels: { type: "string", default: "200" }, hard: { type: "string", default: "5" }, write: { type: "boolean", default: false } },
});
const longSteps = 500;

const results = await withServer({ workers: 1 }, async (server) => ({
  starter: await kills(server, "/Run/atelier/starter", { prompt: "a red planet", steps: 50, width: 256, height: 256 }, Number(options.kills)),
  fake: await kills(server, "/Run/test/fake", { prompt: "stepMs=100", steps: longSteps }, Number(options.kills)),
  hard: await kills(server, "/Run/test/fake", { prompt: "stepMs=100 ignoreCancel", steps: longSteps }, Number(options.hard)),
  cancel: await cancels(server, Number(options.cancels)),
}));
report();

/** Kills run after run; the next one waits in the queue and starts when the engine is free. */
async function kills(server, path, input, count) {
  const elapsed = [];
  let current = await run(server, path, input);
  for (let number = 0; number < count; number += 1) {
    const next = await run(server, path, input);
    await until(server, current, (task) => task.status === "task_output");
    const killedAt = await databaseTime(server);
    const answer = await server.call("/Task/Kill", { taskid: current });
    if (!answer.result) throw new Error(JSON.stringify(answer.errors));
    const started = await until(server, next, (task) => task.accepted_at !== null);
    elapsed.push(started.accepted_at - killedAt);
    current = next;
  }
  await server.call("/Task/Kill", { taskid: current });
  return elapsed;
}

async function cancels(server, count) {
  await run(server, "/Run/test/fake", { prompt: "hang" });
  const elapsed = [];
  for (let number = 0; number < count; number += 1) {
    const waiting = await run(server, "/Run/test/fake", { prompt: "waits" });
    const startedAt = performance.now();
    const answer = await server.call("/Task/Cancel", { taskid: waiting });
    elapsed.push(performance.now() - startedAt);
    if (!answer.result) throw new Error(JSON.stringify(answer.errors));
  }
  return elapsed;
}

async function run(server, path, input) {
  const answer = await server.call(path, input);
  if (!answer.result) throw new Error(JSON.stringify(answer.errors));
  return answer.taskid;
}

async function databaseTime(server) {
  return (await server.db.query("select clock_timestamp() as now")).rows[0].now;
}

/** Polls the row itself: the accept's own time is read from it, so the poll's pace does not count. */
async function until(server, taskId, condition) {
  for (;;) {
    const { rows } = await server.db.query("select status, accepted_at from tasks where id = $1", [taskId]);
    if (condition(rows[0])) return rows[0];
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function report() {
  const line = (values) => `p50 ${Math.round(median(values))} ms, p99 ${Math.round(percentile(values, 0.99))} ms (${values.length})`;
  const rows = [
    ["Kill to next accept, starter at 256 px", line(results.starter), "one step or 1 s (p99)"],
    ["Kill to next accept, steps of 100 ms", line(results.fake), "one step or 1 s (p99)"],
    ["Kill to next accept, engine that ignores it", line(results.hard), "5 s"],
    ["Cancel, the request", line(results.cancel), "50 ms (p99)"],
  ];
  for (const row of rows) console.log(row.slice(0, 2).join(": "));
  if (options.write) writeReport("stop-running", "Kill and Cancel", { command: "node benchmarks/server/stop-running.mjs --write", rows });
}
