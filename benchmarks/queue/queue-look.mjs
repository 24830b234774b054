// What it costs to tell waiting tasks their places: one look at a queue of 100,000, and Detail beside it.
// node benchmarks/queue/queue-look.mjs [--waiting 100000] [--finished 200000] [--write]

import { parseArgs } from "node:util";

import { waitingStatement } from "@atelier/server/db/queries/queue";
import { limits } from "@atelier/server/limits";
import { openQueueLook } from "@atelier/server/tasks/queue-look";

import { median, spread, writeReport } from "../flux/measure.mjs";
import { withServer } from "../server/bench-server.mjs";
import { fillWithTasks } from "../server/fill-with-tasks.mjs";
import { percentile } from "./percentiles.mjs";

const { values: options } = parseArgs({
  options: {
    waiting: { type: "string", default: "100000" },
    finished: { type: "string", default: "200000" },
    write: { type: "boolean", default: false },
  },
});
const looks = 20;
const details = 300;

await withServer({ workers: 0 }, async (server) => {
  const { taskid: first } = await server.call("/Run/test/fake", { prompt: "a red planet" });
  const alone = await detailTimes(server, first);
  await fillWithTasks(server.db, { finished: Number(options.finished), waiting: Number(options.waiting) });
  const { taskid } = await server.call("/Run/test/fake", { prompt: "a red planet" });
  const plan = await server.db.query(`explain (analyze, buffers) ${waitingStatement}`, [limits.queueFirstIds, limits.queueEveryId]);
  const lines = plan.rows.map((row) => row["QUERY PLAN"]);
  console.log(lines.join("\n"));
  const lookMs = spread(await times(looks, () => openQueueLook({ db: server.db })()));
  const crowded = await detailTimes(server, taskid);
  report({ lookMs, alone, crowded, lines });
});

async function detailTimes(server, taskid) {
  return times(details, async () => {
    const answer = await server.call("/Task/Detail", { taskid });
    if (!answer.tasklist?.[0]?.queueposition) throw new Error(`no place: ${JSON.stringify(answer).slice(0, 300)}`);
  });
}

async function times(count, work) {
  const elapsed = [];
  for (let number = 0; number < count; number += 1) {
    const startedAt = performance.now();
    await work();
    elapsed.push(performance.now() - startedAt);
  }
  return elapsed;
}

function report({ lookMs, alone, crowded, lines }) {
  const detail = (values) => `p50 ${median(values).toFixed(1)} ms, p99 ${percentile(values, 0.99).toFixed(1)} ms`;
  const rows = [
    [`one look, ${options.waiting} waiting and ${options.finished} finished tasks`, `${lookMs.median.toFixed(0)} ms (${lookMs.lowest.toFixed(0)} to ${lookMs.highest.toFixed(0)})`, "shared by all callers, and at most a twentieth of one database session"],
    ["Detail of a waiting task, alone", detail(alone), "-"],
    ["Detail of a waiting task, in that queue", detail(crowded), "p50 as alone"],
  ];
  for (const row of rows) console.log(row.slice(0, 2).join(": "));
  const notes = ["The look's widest statement:", "", "```", ...lines, "```"];
  if (options.write) writeReport("queue-look", "Places in the queue", { command: "node benchmarks/queue/queue-look.mjs --write", rows, notes });
}
