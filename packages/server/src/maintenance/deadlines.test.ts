import { afterEach, expect, test } from "vitest";

import { manifestSchema } from "@atelier/schema/manifest";

import { cancelWaitingTask, killLeasedTask } from "../db/queries/endings.ts";
import { claimTask } from "../db/queries/leases.ts";
import { finishTask, returnTask } from "../db/queries/moves.ts";
import { createTestDatabase } from "../db/test-database.ts";
import { insertProject } from "../db/test-task.ts";
import { openLog } from "../log.ts";
import { createTask } from "../tasks/create-task.ts";
import { findTask } from "../tasks/find-task.ts";
import { startDeadlines } from "./deadlines.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const deadlines = { queueSeconds: 90, runSeconds: 30.5 };

async function setup(given: Partial<typeof deadlines> = deadlines) {
  const { db, drop } = await createTestDatabase();
  cleanups.push(drop);
  const projectId = await insertProject(db);
  const model = manifestSchema.parse({
    id: "1", owner: "Test", slug: "Fake", title: "", description: "", cover: "", categories: [], cps: "0.000585000000",
    parameters: [], variants: [{ name: "fake", engine: "fake", base: "." }], deadlines: given,
  });
  const { id } = await createTask({ db }, { projectId, model, parameters: {}, input: {}, callbackUrl: "" });
  const upkeep = startDeadlines({ db, log: openLog({ level: "silent", pretty: false }) });
  cleanups.push(() => upkeep.stop());
  return {
    db,
    id,
    claim: () => claimTask(db, { workerId: "w", models: ["test/fake"], leaseMs: 3_600_000 }),
    fence: { taskId: id, attempt: 1, workerId: "w" },
    pass: () => upkeep.runOnce(),
    /** As if the task had been in its phase for so long. */
    wait: (seconds: number) =>
      db.query(`update tasks set deadline_at = deadline_at - $1 * interval '1 second' where id = $2`, [seconds, id]),
    task: () => findTask({ db }, { projectId, id }),
  };
}

test("a task that waits longer than its model allows is cancelled, with the reason", async () => {
  const { wait, pass, task } = await setup();
  await wait(89);
  expect(await pass()).toBe(0);
  await wait(1);
  expect(await pass()).toBe(1);
  expect(await task()).toMatchObject({
    status: "task_cancel",
    pexit: null,
    debugError: "QUEUE_TIME_EXCEEDED: the task waited for longer than the 90 seconds that its model allows.",
  });
  expect(await pass()).toBe(0);
});

test("a task that runs longer than its model allows is killed, its worker told, and nothing billed", async () => {
  const { db, claim, wait, pass, task, fence } = await setup();
  const told = new Promise((resolve) => void db.listen("atelier_kill", resolve));
  await db.query("select 1");
  await claim();
  await wait(30);
  expect(await pass()).toBe(0);
  await wait(1);
  expect(await pass()).toBe(1);
  expect(await task()).toMatchObject({
    status: "task_cancel",
    pexit: "137",
    totalCost: "0.000000000000",
    debugError: "RUN_TIME_EXCEEDED: the task ran for longer than the 30.5 seconds that its model allows.",
  });
  expect(await told).toBe(`${fence.taskId}:1`);
  expect(await finishTask(db, fence, { outputs: [], debugOutput: "", provenance: {} })).toBe(false);
});

test("the time starts anew when a worker takes the task and when it comes back to the queue", async () => {
  const { db, claim, wait, pass, task, fence } = await setup();
  await wait(89);
  await claim();
  await wait(29);
  expect(await pass()).toBe(0);
  await returnTask(db, fence, { engineFailed: true, debugError: "the engine fell over" });
  await wait(89);
  expect(await pass()).toBe(0);
  await wait(2);
  await pass();
  expect((await task())?.debugError).toMatch(/QUEUE_TIME_EXCEEDED.* The last failure before: the engine fell over$/);
});

test("whoever ends the task first has ended it", async () => {
  for (const end of [cancelWaitingTask, killLeasedTask]) {
    const { db, id, claim, wait, pass, task } = await setup();
    if (end === killLeasedTask) await claim();
    await wait(100);
    const [ended, overdue] = await Promise.all([end(db, id), pass()]);
    expect(Number(ended) + overdue).toBe(1);
    expect((await task())?.debugError === "").toBe(ended);
  }
});

test("without deadlines nothing is ended", async () => {
  const { claim, pass, wait } = await setup({});
  await wait(1_000_000);
  expect(await pass()).toBe(0);
  await claim();
  await wait(1_000_000);
  expect(await pass()).toBe(0);
});
