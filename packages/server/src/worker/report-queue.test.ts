import { expect, it } from "vitest";

import { limits } from "../limits.ts";
import type { Report } from "../tasks/task-source.ts";
import { ReportQueue } from "./report-queue.ts";

const noPause = () => Promise.resolve();
const turn = () => new Promise(setImmediate);

/** Sending that ends when the test says so. */
function gatedQueue() {
  const sent: { readonly reports: readonly Report[]; readonly end: () => void; readonly fail: (error: Error) => void }[] = [];
  const queue = new ReportQueue((reports) => new Promise((resolve, reject) => sent.push({ reports: [...reports], end: resolve, fail: reject })), noPause);
  return { queue, sent };
}

/** One report is to be sent and has not been read yet. */
async function unreadQueue() {
  const calls: Iterable<Report>[] = [];
  const queue = new ReportQueue((reports) => {
    calls.push(reports);
    return new Promise(() => undefined);
  }, noPause);
  queue.push({ status: "task_assign" });
  await turn();
  return { queue, calls };
}

/** Without their times, which differ. */
const timeless = (reports: readonly Report[] | undefined) => reports?.map(({ atMs: _atMs, ...report }) => report);

const progress = (step: number): Report => ({ status: "task_output", data: { step } });

it("sends one call at a time, in order, and everything that came meanwhile with the next", async () => {
  const { queue, sent } = gatedQueue();
  queue.push({ status: "task_assign" });
  await turn();
  queue.push({ status: "task_start" });
  queue.push(progress(1), progress(2));
  expect(sent.map(({ reports }) => timeless(reports))).toEqual([[{ status: "task_assign" }]]);
  sent[0]?.end();
  await turn();
  expect(timeless(sent[1]?.reports)).toEqual([{ status: "task_start" }, progress(1), progress(2)]);
  sent[1]?.end();
  await queue.flush();
  expect(sent).toHaveLength(2);
});

it("leaves out the oldest progress when too much waits, and no other report", async () => {
  const { queue, sent } = gatedQueue();
  queue.push({ status: "task_assign" });
  await turn();
  queue.push({ status: "task_start" });
  for (let step = 1; step <= limits.waitingReports + 5; step += 1) queue.push(progress(step));
  sent[0]?.end();
  await turn();
  const reports = timeless(sent[1]?.reports) ?? [];
  expect(reports).toHaveLength(limits.waitingReports);
  expect(reports[0]).toEqual({ status: "task_start" });
  expect(reports.at(-1)).toEqual(progress(limits.waitingReports + 5));
});

it("tells of a failure at once, sends nothing more, and throws it at the end", async () => {
  const { queue, sent } = gatedQueue();
  queue.push(progress(1));
  await turn();
  queue.push(progress(2));
  sent[0]?.fail(new Error("refused"));
  await turn();
  expect(queue.failed.aborted).toBe(true);
  queue.push(progress(3));
  await expect(queue.flush()).rejects.toThrow("refused");
  expect(sent).toHaveLength(1);
});

it("gives back at the end what was not sent, with the last reports and the time of each", async () => {
  const { queue, sent } = gatedQueue();
  const before = performance.now();
  queue.push({ status: "task_assign" });
  await turn();
  queue.push(progress(1));
  const rest = queue.rest({ status: "task_end" });
  sent[0]?.end();
  const reports = await rest;
  expect(timeless(reports)).toEqual([progress(1), { status: "task_end" }]);
  for (const { atMs } of reports) expect(atMs).toBeGreaterThanOrEqual(before);
  expect(sent).toHaveLength(1);
});

it("leaves a report the time that it came with", async () => {
  const { queue } = gatedQueue();
  expect(await queue.rest({ status: "task_preprocess_start", atMs: 7 })).toEqual([{ status: "task_preprocess_start", atMs: 7 }]);
});

it("sends nothing when all of it fits into the end", async () => {
  const { queue, sent } = gatedQueue();
  expect(timeless(await queue.rest({ status: "task_end" }))).toEqual([{ status: "task_end" }]);
  expect(sent).toEqual([]);
});

it("gives back at the end what waits to be written, and the one who was to write it finds nothing", async () => {
  const { queue, calls } = await unreadQueue();
  queue.push(progress(1));
  expect(timeless(await queue.rest({ status: "task_end" }))).toEqual([{ status: "task_assign" }, progress(1), { status: "task_end" }]);
  expect(calls.map((reports) => [...reports])).toEqual([[]]);
});

it("writes what came until it was read", async () => {
  const { queue, calls } = await unreadQueue();
  queue.push(progress(1));
  expect(timeless([...(calls[0] ?? [])])).toEqual([{ status: "task_assign" }, progress(1)]);
});

it("waits for the pause before it sends, so that what comes meanwhile goes along", async () => {
  let endPause: () => void = () => undefined;
  const sent: (readonly Report[])[] = [];
  const queue = new ReportQueue(
    async (reports) => void sent.push([...reports]),
    () => new Promise<void>((resolve) => (endPause = resolve)),
  );
  queue.push({ status: "task_assign" });
  queue.push(progress(1));
  await turn();
  expect(sent).toEqual([]);
  endPause();
  await queue.flush();
  expect(sent.map(timeless)).toEqual([[{ status: "task_assign" }, progress(1)]]);
});

it("writes nothing once the end was asked for, not even what comes after it", async () => {
  const { queue, calls } = await unreadQueue();
  const rest = await queue.rest({ status: "task_end" });
  // What comes after the end was asked for belongs to nobody, least of all to a statement that was waiting for its turn.
  queue.push(progress(1));
  expect(timeless(rest)).toEqual([{ status: "task_assign" }, { status: "task_end" }]);
  expect(calls.map((reports) => [...reports])).toEqual([[]]);
});

it("does not give the end out before what is being written is written", async () => {
  const { queue, sent } = gatedQueue();
  queue.push({ status: "task_assign" });
  await turn();
  let isGiven = false;
  const rest = queue.rest({ status: "task_end" }).then((reports) => {
    isGiven = true;
    return reports;
  });
  await turn();
  expect(isGiven).toBe(false);
  sent[0]?.end();
  expect(timeless(await rest)).toEqual([{ status: "task_end" }]);
});

it("throws at the end what the writing that was under way met", async () => {
  const { queue, sent } = gatedQueue();
  queue.push({ status: "task_assign" });
  await turn();
  const rest = queue.rest({ status: "task_end" });
  sent[0]?.fail(new Error("refused"));
  await expect(rest).rejects.toThrow("refused");
});
