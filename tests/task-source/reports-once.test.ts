// What a worker reports is written once: also when it never arrived, when its answer was lost, and when a copy comes late.

import { randomUUID } from "node:crypto";

import { afterEach, beforeEach, expect, it } from "vitest";

import { AtelierError } from "../../packages/server/src/errors.ts";
import type { Queryable } from "../../packages/server/src/db/queryable.ts";
import { createWorkerToken } from "../../packages/server/src/projects/worker-tokens.ts";
import { openLocalTaskSource } from "../../packages/server/src/tasks/local-task-source.ts";
import { openReportLine } from "../../packages/server/src/tasks/report-line.ts";
import type { AssignedTask, Report, TaskSource } from "../../packages/server/src/tasks/task-source.ts";
import { openHttpTaskSource } from "../../packages/server/src/worker/http-source/http-task-source.ts";
import { workerHeaders, workerProtocolVersion } from "../../packages/schema/src/worker-messages.ts";
import { openTaskWorld, testModel } from "./task-world.ts";
import type { TaskWorld } from "./task-world.ts";
import { serveWorkers } from "./worker-server.ts";

let world: TaskWorld;
/** What becomes of the next write of reports. */
let fault: "none" | "never arrived" | "answer lost";

beforeEach(async () => {
  world = await openTaskWorld();
  fault = "none";
});
afterEach(() => world.close());

/** The world's reports over a connection that breaks as `fault` says, once. */
function faultyReports(): TaskWorld["reports"] {
  const db: Queryable = {
    async query<Row extends object>(...[statement, values]: Parameters<Queryable["query"]>) {
      const now = typeof statement === "object" && statement.name.startsWith("move-") ? fault : "none";
      if (now !== "none") fault = "none";
      if (now === "never arrived") throw new AtelierError("SERVER_UNAVAILABLE");
      const answer = await world.db.query<Row>(statement, values);
      if (now === "answer lost") throw new AtelierError("SERVER_UNAVAILABLE");
      return answer;
    },
  };
  return openReportLine({ db });
}

const sources = {
  "the embedded worker's": async (): Promise<TaskSource> => openLocalTaskSource({ ...world, reports: faultyReports() }, randomUUID()),
  "a remote worker's": async (): Promise<TaskSource> => {
    const { url } = await serveWorkers({ ...world, reports: faultyReports() });
    const { token } = await createWorkerToken(world, "tests");
    const source = openHttpTaskSource({ url, token, workerId: randomUUID(), onRefused: () => undefined });
    world.onClose(() => source.close());
    return source;
  },
};

const toStart: Report[] = ["task_preprocess_start", "task_preprocess_end", "task_assign", "task_start"].map(
  (status) => ({ status }) as Report,
);
const progress = (...steps: number[]): Report[] => steps.map((step) => ({ status: "task_output", data: { step } }));
const steps = (...all: number[]): unknown[] => all.map((step) => ({ step }));

async function claimed(source: TaskSource): Promise<AssignedTask> {
  await world.run();
  const [task] = await source.claim({ models: [testModel], free: 1, held: [] }, new AbortController().signal);
  if (!task) throw new Error("nothing was claimed");
  return task;
}

it.each(Object.entries(sources))("progress of the same status is written once, whatever the connection does: %s", async (_name, open) => {
  const source = await open();
  const task = await claimed(source);
  expect(await source.report(task, toStart)).toBe(true);
  expect(await source.report(task, progress(1))).toBe(true);
  fault = "never arrived";
  expect(await source.report(task, progress(2, 3))).toBe(true);
  expect(await world.progressOf(task.taskId)).toEqual(steps(1, 2, 3));
  fault = "answer lost";
  expect(await source.report(task, progress(4, 5))).toBe(true);
  expect(await world.progressOf(task.taskId)).toEqual(steps(1, 2, 3, 4, 5));
});

it("a copy of a message that comes late, behind others, changes nothing", async () => {
  const { url } = await serveWorkers(world);
  const { token } = await createWorkerToken(world, "tests");
  const workerId = randomUUID();
  const source = openHttpTaskSource({ url, token, workerId, onRefused: () => undefined });
  world.onClose(() => source.close());
  const task = await claimed(source);
  await source.report(task, toStart);
  await source.report(task, progress(1));
  await source.report(task, progress(2));
  const copy = await fetch(`${url}/worker/v1/tasks/${task.taskId}/attempts/${task.attempt}/report`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      [workerHeaders.worker]: workerId,
      [workerHeaders.protocol]: String(workerProtocolVersion),
    },
    body: JSON.stringify({ reports: progress(1), afterSeq: task.eventSeq + toStart.length }),
  });
  expect(copy.status).toBe(200);
  expect(await world.progressOf(task.taskId)).toEqual(steps(1, 2));
});

it("reports that come while ends are written wait for that one statement, and those of a run that is over by then go with its end", async () => {
  const statements: string[] = [];
  let letEnd = (): void => undefined;
  const held = new Promise<void>((resolve) => (letEnd = resolve));
  const db: Queryable = {
    async query<Row extends object>(...[statement, values]: Parameters<Queryable["query"]>) {
      const name = typeof statement === "object" ? statement.name : "";
      if (name.startsWith("finish-") && !statements.includes(name)) {
        statements.push(name);
        await held;
      } else statements.push(name);
      return world.db.query<Row>(statement, values);
    },
  };
  const source = openLocalTaskSource({ ...world, reports: openReportLine({ db }) }, randomUUID());
  const [one, other] = [await claimed(source), await claimed(source)];
  const end = ["task_output_full", "task_end", "task_postprocess_start"].map((status) => ({ status }) as Report);
  const finished = source.finish(one, { reports: [...toStart, ...end], outputs: [], debugOutput: "", provenance: {} });
  await new Promise(setImmediate);
  const waiting: Report[] = [...toStart];
  const read = function* (): Generator<Report> {
    yield* waiting.splice(0);
  };
  const reported = source.report(other, read());
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  const rest = waiting.splice(0);
  letEnd();
  expect(await reported).toBe(true);
  expect(await finished).toBe(true);
  expect(rest).toEqual(toStart);
  expect(statements).toEqual(["finish-one"]);
  expect(await source.report(other, rest)).toBe(true);
  expect(statements).toEqual(["finish-one", "move-one"]);
});
