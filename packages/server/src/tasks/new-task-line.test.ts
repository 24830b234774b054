import { afterEach, expect, test, vi } from "vitest";

import type { Database } from "../db/database.ts";
import type { PlainTask } from "../db/queries/new-tasks.ts";
import type { Queryable } from "../db/queryable.ts";
import { createTestDatabase, databaseWith } from "../db/test-database.ts";
import { drawHexId, drawToken } from "../secret-text.ts";
import { openClaimLine } from "./claim-line.ts";
import { openNewTaskLine } from "./new-task-line.ts";
import { notingEmptyAnswers } from "./test-claims.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** `around`: what the line of new tasks has instead of the database's own batches. */
async function setup(around: (db: Database) => Pick<Database, "batch"> = (db) => db) {
  // Without the look that the claim line takes every second.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  cleanups.push(() => vi.useRealTimers());
  const { db, drop } = await createTestDatabase();
  const { noted, untilEmpty } = notingEmptyAnswers(db);
  const claims = await openClaimLine({ db: noted });
  cleanups.push(drop, () => claims.close());
  const { rows } = await db.query<{ id: string }>("insert into projects (uuid, name, auth) values (gen_random_uuid(), 'p', 'key') returning id");
  const projectId = rows[0]?.id ?? "";
  const { batch } = around(db);
  const newTasks = openNewTaskLine({ db: databaseWith(db, { batch: batch.bind(db) }), workers: claims });
  const run = (more: Partial<PlainTask> = {}) => newTasks.insert({ ...plainTask(projectId), ...more });
  /** Returns when the line has found nothing for the worker. */
  const wait = async (models: readonly string[] = ["test/fake"], workerId = "w") => {
    const isKnown = untilEmpty();
    const claimed = claims.claim({ workerId, models, most: 2 }, { signal: new AbortController().signal, waitMs: 60_000 });
    await isKnown;
    return { claimed };
  };
  const transactions = async () =>
    (await db.query<{ created: boolean; status: string }>("select created_at = accepted_at as created, status from tasks order by id")).rows;
  return { db, projectId, run, wait, transactions };
}

function plainTask(projectId: string): PlainTask {
  const words = { token: drawToken(), model: "test/fake", modelId: "1", callbackUrl: "", cps: "0.1", outputFolderId: drawHexId() };
  return { projectId, parameters: {}, input: {}, ...words };
}

test("a waiting worker is given a new task in the transaction that creates it", async () => {
  const { db, run, wait, transactions } = await setup();
  const { claimed } = await wait();
  const inserted = await run();
  const [task] = await claimed;
  expect(inserted).toEqual({ kind: "created", id: task?.id });
  // Both are told the time at which their transaction began.
  expect(await transactions()).toEqual([{ created: true, status: "task_accept" }]);
  const { rows } = await db.query("select seq, attempt, type from task_events order by seq");
  expect(rows).toEqual([{ seq: 1, attempt: 0, type: "task_queue" }, { seq: 2, attempt: 1, type: "task_accept" }]);
});

test("who has waited for longer goes first, also when another task has just come", async () => {
  const { db, run, wait, projectId } = await setup();
  const { claimed } = await wait();
  // Told to nobody.
  const { rows } = await db.query<{ id: string }>(
    `insert into tasks (project_id, token, model, model_id, status, parameters, input, cps, output_folder_id, last_event_seq)
     values ($1, 'older', 'test/fake', '1', 'task_queue', '{}', '{}', 0, '0', 1) returning id`,
    [projectId],
  );
  const inserted = await run();
  expect((await claimed).map(({ id }) => id)).toEqual([rows[0]?.id, "id" in inserted ? inserted.id : ""]);
});

test("a task of a model that the waiting worker cannot run is created by itself, and waits", async () => {
  const { run, wait, transactions } = await setup();
  const stranger = await wait(["test/other"], "stranger");
  await run();
  expect(await transactions()).toEqual([{ created: null, status: "task_queue" }]);
  await run({ model: "test/other" });
  expect(await stranger.claimed).toHaveLength(1);
});

test("all workers that wait are served when tasks for them come together", async () => {
  const { run, wait } = await setup();
  const waiting = [await wait(["test/fake"], "w1"), await wait(["test/other"], "w2"), await wait(["test/fake"], "w3")];
  await Promise.all([run(), run({ model: "test/other" }), run(), run()]);
  expect((await Promise.all(waiting.map(({ claimed }) => claimed))).map((tasks) => tasks.length)).toEqual([2, 1, 1]);
});

test("other servers hear of new tasks that nobody was given, and of no others", async () => {
  const { db, run, wait } = await setup();
  const heard: string[] = [];
  const subscription = await db.listen("atelier_queue", (id) => heard.push(id));
  const { claimed } = await wait();
  const inserted = await Promise.all([run(), run(), run()]);
  const given = (await claimed).map(({ id }) => id);
  expect(given).toHaveLength(2);
  expect([...given, ...heard].toSorted()).toEqual(inserted.map((insertion) => ("id" in insertion ? insertion.id : "")).toSorted());
  subscription.stop();
});

test("a claim that fails costs no run, and the worker is given the task by the next one", async () => {
  const { run, wait, transactions } = await setup((db) => ({
    batch: (work) => db.batch((tx) => work(failing(tx, "claim"))),
  }));
  const { claimed } = await wait();
  expect(await run()).toMatchObject({ kind: "created" });
  expect(await claimed).toHaveLength(1);
  expect(await transactions()).toEqual([{ created: false, status: "task_accept" }]);
});

test("a run that PostgreSQL refuses fails alone, and the worker goes on waiting", async () => {
  const { run, wait, transactions } = await setup();
  const { claimed } = await wait();
  const [bad, good] = await Promise.allSettled([run({ input: { prompt: "\u0000" } }), run()]);
  expect([bad.status, good.status]).toEqual(["rejected", "fulfilled"]);
  expect(await claimed).toHaveLength(1);
  expect((await transactions()).map(({ status }) => status)).toEqual(["task_accept"]);
});

test("when the answer is lost the run hears it, and the worker waits for what comes next", async () => {
  let isLost = true;
  const { run, wait } = await setup((db) => ({
    batch: async (work) => {
      if (!isLost) return db.batch(work);
      isLost = false;
      return db.batch((tx) => Promise.all([work(tx), tx.query("select pg_terminate_backend(pg_backend_pid())")])).then(([result]) => result);
    },
  }));
  const { claimed } = await wait();
  await expect(run()).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
  const inserted = await run();
  expect(await claimed).toEqual([expect.objectContaining({ id: "id" in inserted ? inserted.id : "" })]);
});

/** The statement of this name is one that PostgreSQL refuses. */
function failing(tx: Queryable, name: string): Queryable {
  return {
    query: (statement, values) =>
      typeof statement !== "string" && statement.name === name ? tx.query("select 1 / 0") : tx.query(statement, values),
  };
}
