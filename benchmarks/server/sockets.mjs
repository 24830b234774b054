// Idle sockets in one process, each following a waiting task, and the time from a progress event to its frame.
// node benchmarks/server/sockets.mjs [--sockets 10000] [--write]     (needs `ulimit -n` above the number of sockets)

import { parseArgs } from "node:util";
import { setTimeout as delay } from "node:timers/promises";

import { writeReport } from "../flux/measure.mjs";
import { median, percentile } from "../queue/percentiles.mjs";
import { residentMb, withServer } from "./bench-server.mjs";
import { openRawSocket } from "./raw-socket.mjs";

const { values: options } = parseArgs({
  options: { sockets: { type: "string", default: "10000" }, write: { type: "boolean", default: false } },
});
const count = Number(options.sockets);
const openAtOnce = 100;
const followedTasks = 100;
const settleMs = 3_000;

await withServer({ workers: 1 }, async (server) => {
  const port = Number(new URL(server.url).port);
  const busy = await server.call("/Run/test/fake", { prompt: "hang" });
  const waiting = [];
  for (let at = 0; at < followedTasks; at += 1) waiting.push(await server.call("/Run/test/fake", { prompt: "waits" }));
  await openSome(port, 50, waiting); // code and buffers that the first sockets bring are not the sockets'
  await delay(settleMs);
  const before = residentMb(server.pid);
  await openSome(port, count, waiting);
  await delay(settleMs);
  const after = residentMb(server.pid);
  await server.call("/Task/Kill", { taskid: busy.taskid });
  for (const { taskid } of waiting) await server.call("/Task/Cancel", { taskid });
  const latencies = await frameLatencies(server, port);
  report({ kbEach: ((after - before) * 1024) / count, latencies });
});

async function openSome(port, howMany, tasks) {
  for (let done = 0; done < howMany; done += openAtOnce) {
    await Promise.all(Array.from({ length: Math.min(openAtOnce, howMany - done) }, async (_, at) => {
      const socket = await openRawSocket(port);
      await socket.follow(tasks[(done + at) % tasks.length].socketaccesstoken);
    }));
  }
}

/** The event's own time is that of its transaction's begin, by the database's clock: the same machine's as ours. */
async function frameLatencies(server, port) {
  const task = await server.call("/Run/test/fake", { prompt: "stepMs=20", steps: 300 });
  const seen = [];
  const socket = await openRawSocket(port, (text) => {
    const frame = JSON.parse(text);
    if (frame.type === "task_output") seen.push({ at: Date.now(), step: Number(frame.message.stepCurrent) });
    if (frame.terminal) socket.end();
  });
  await socket.follow(task.socketaccesstoken);
  await socket.closed;
  const { rows } = await server.db.query(
    `select (data->>'step')::int as step, extract(epoch from created_at) * 1000 as at from task_events
      where task_id = $1 and type = 'task_output'`,
    [task.taskid],
  );
  const written = new Map(rows.map((row) => [row.step, Number(row.at)]));
  return seen.filter(({ step }) => written.has(step)).map(({ at, step }) => at - written.get(step));
}

function report({ kbEach, latencies }) {
  const rows = [
    [`${count} idle sockets, each following a waiting task`, `${kbEach.toFixed(1)} KB each`, "10 KB each"],
    ["progress event to frame", `p50 ${median(latencies).toFixed(1)} ms, p99 ${percentile(latencies, 0.99).toFixed(1)} ms (${latencies.length})`, "p50 3 ms"],
  ];
  for (const row of rows) console.log(row.slice(0, 2).join(": "));
  if (options.write) writeReport("sockets", "Sockets", { command: "node benchmarks/server/sockets.mjs --write", rows });
}
