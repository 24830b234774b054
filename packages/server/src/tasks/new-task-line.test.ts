import { setTimeout as delay } from "node:timers/promises";

import { afterEach, expect, test, vi } from "vitest";

import { NothingSent } from "../db/batches.ts";
import type { Database } from "../db/database.ts";
import type { Insertion, PlainTask } from "../db/queries/new-tasks.ts";
import type { Queryable } from "../db/queryable.ts";
import { createTestDatabase, databaseWith } from "../db/test-database.ts";
import { insertProject } from "../db/test-task.ts";
import { drawHexId, drawToken } from "../secret-text.ts";
import { openClaimLine } from "./claim-line.ts";
import type { ClaimRequest } from "./claim-line.ts";
import { openNewTaskLine } from "./new-task-line.ts";
import { notingEmptyAnswers } from "./test-claims.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Longer than what must not happen would take. */
const aWhileMs = 150;

/** `around`: the batches that the line of new tasks has instead of the database's own. */
async function setup(around: (db: Database) => Database["batch"] = (db) => db.batch.bind(db)) {
  // Without the look that the claim line takes every second.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  cleanups.push(() => vi.useRealTimers());
  const { db, drop } = await createTestDatabase();
  const { noted, untilEmpty } = notingEmptyAnswers(db);
  const claims = await openClaimLine({ db: noted });
  cleanups.push(drop, () => claims.close());
  const addProject = () => insertProject(db);
  const projectId = await addProject();
  const batches = gated(around(db));
  const newTasks = openNewTaskLine({ db: databaseWith(db, { batch: batches.batch }), workers: claims });
  const run = (more: Partial<PlainTask> = {}) => newTasks.insert({ ...plainTask(projectId), ...more });
  const claim = (request: Partial<ClaimRequest> = {}, signal = new AbortController().signal) =>
    claims.claim({ workerId: "w", models: ["test/fake"], most: 2, ...request }, { signal, waitMs: 60_000 });
  /** Returns when the line has found nothing for the worker. */
  const wait = async (request: Partial<ClaimRequest> = {}, signal = new AbortController().signal) => {
    const isKnown = untilEmpty();
    const claimed = claim(request, signal);
    await isKnown;
    return { claimed };
  };
  const transactions = async () =>
    (await db.query<{ created: boolean; status: string }>("select created_at = accepted_at as created, status from tasks order by id")).rows;
  return { db, claims, projectId, addProject, run, claim, wait, transactions, batches, ...looks(db, projectId) };
}

function looks(db: Database, projectId: string) {
  /** A task that nobody is told of. */
  const addSilently = async (): Promise<string> =>
    (await db.query<{ id: string }>(
      `insert into tasks (project_id, token, model, model_id, status, parameters, input, cps, output_folder_id, last_event_seq)
       values ($1, gen_random_uuid()::text, 'test/fake', '1', 'task_queue', '{}', '{}', 0, '0', 1) returning id`,
      [projectId],
    )).rows[0]?.id ?? "";
  const leased = async () =>
    (await db.query<{ id: string; worker: string; seconds: number }>(
      `select id, worker_id as worker, extract(epoch from lease_expires_at - accepted_at)::float8 as seconds
         from tasks where status = 'task_accept' order by id`,
    )).rows;
  return { addSilently, leased };
}

/** Batches that can be held back before they begin. */
function gated(batch: Database["batch"]) {
  let [gate, begin] = [Promise.resolve(), (): void => undefined];
  const seen = {
    count: 0,
    batch: (async (work) => {
      seen.count += 1;
      begin();
      await gate;
      return batch(work);
    }) as Database["batch"],
    /** Until `open` is called; `begun` resolves when one is held. */
    hold(): { open: () => void; begun: Promise<void> } {
      let open = (): void => undefined;
      gate = new Promise((resolve) => (open = resolve));
      return { open, begun: new Promise((resolve) => (begin = resolve)) };
    },
  };
  return seen;
}

function plainTask(projectId: string): PlainTask {
  const words = { token: drawToken(), model: "test/fake", modelId: "1", callbackUrl: "", cps: "0.1", outputFolderId: drawHexId() };
  return { projectId, parameters: {}, input: {}, ...words };
}

const idOf = (insertion: Insertion): string => ("id" in insertion ? insertion.id : "");
const idsOf = (tasks: readonly { id: string }[]): string[] => tasks.map(({ id }) => id);

test("a waiting worker is given a new task in the transaction that creates it", async () => {
  const { db, run, wait, transactions, leased } = await setup();
  const { claimed } = await wait();
  const inserted = await run();
  expect(idsOf(await claimed)).toEqual([idOf(inserted)]);
  // Both are told the time at which their transaction began.
  expect(await transactions()).toEqual([{ created: true, status: "task_accept" }]);
  expect(await leased()).toEqual([{ id: idOf(inserted), worker: "w", seconds: 4 }]);
  const { rows } = await db.query("select seq, attempt, type from task_events order by seq");
  expect(rows).toEqual([{ seq: 1, attempt: 0, type: "task_queue" }, { seq: 2, attempt: 1, type: "task_accept" }]);
});

test("who has waited for longer goes first, also when another task has just come", async () => {
  const { run, wait, addSilently } = await setup();
  const { claimed } = await wait();
  const older = await addSilently();
  const inserted = await run();
  expect(idsOf(await claimed)).toEqual([older, idOf(inserted)]);
});

test("a task of a model that no waiting worker can run is created by itself, and waits", async () => {
  const { run, wait, transactions, batches } = await setup();
  const stranger = await wait({ workerId: "stranger", models: ["test/other"] });
  await run();
  expect([await transactions(), batches.count]).toEqual([[{ created: null, status: "task_queue" }], 0]);
  await run({ model: "test/other" });
  expect(await stranger.claimed).toEqual([expect.objectContaining({ model: "test/other" })]);
});

test("a worker that has left takes no part", async () => {
  const { run, wait, batches } = await setup();
  const stop = new AbortController();
  const { claimed } = await wait({}, stop.signal);
  stop.abort();
  const inserting = run();
  expect(await claimed).toEqual([]);
  await inserting;
  expect(batches.count).toBe(0);
});

test("a worker that leaves while its claim is under way is given what was claimed", async () => {
  const { run, wait, batches } = await setup();
  const stop = new AbortController();
  const { claimed } = await wait({}, stop.signal);
  const held = batches.hold();
  const inserting = run();
  await held.begun;
  stop.abort();
  held.open();
  await inserting;
  expect(await claimed).toHaveLength(1);
});

test("while a claim is under way in a batch nobody is asked for besides, and everybody afterwards", async () => {
  const { run, claim, wait, addSilently, leased, batches } = await setup();
  const first = await wait({ workerId: "w1", most: 1 });
  const held = batches.hold();
  const inserting = run();
  await held.begun;
  await addSilently();
  const second = claim({ workerId: "w2", most: 1 });
  await delay(aWhileMs);
  expect(await leased()).toEqual([]);
  held.open();
  await inserting;
  const given = [...(await first.claimed), ...(await second)];
  expect(idsOf(await leased())).toEqual(idsOf(given).toSorted());
});

test("all workers that wait are served when tasks for them come together, each with as many as it asks for", async () => {
  const { run, wait, leased } = await setup();
  const waiting = [await wait({ workerId: "w1", most: 1 }), await wait({ workerId: "w2", models: ["test/other"] }), await wait({ workerId: "w3" })];
  await Promise.all([run(), run({ model: "test/other" }), run(), run(), run()]);
  expect((await Promise.all(waiting.map(({ claimed }) => claimed))).map((tasks) => tasks.length)).toEqual([1, 1, 2]);
  await delay(aWhileMs);
  expect((await leased()).map(({ worker }) => worker).toSorted()).toEqual(["w1", "w2", "w3", "w3"]);
});

test("of a project with a budget a worker is given no more than it has places", async () => {
  const { db, run, claim, wait, leased } = await setup();
  await db.query("update projects set budget = 1000");
  await run();
  expect(await claim({ places: 1 })).toHaveLength(1);
  await wait({ places: 1 });
  await run();
  await delay(aWhileMs);
  expect(await leased()).toHaveLength(1);
});

test("other servers hear of new tasks that nobody was given, and of no others", async () => {
  const { db, run, wait } = await setup();
  const heard: string[] = [];
  const subscription = await db.listen("atelier_queue", (id) => heard.push(id));
  const { claimed } = await wait();
  const inserted = await Promise.all([run(), run(), run()]);
  const given = idsOf(await claimed);
  expect(given).toHaveLength(2);
  expect([...given, ...heard].toSorted()).toEqual(inserted.map(idOf).toSorted());
  subscription.stop();
});

test("a claim that fails costs no run, and the worker is given the task by the next one", async () => {
  const { run, wait, transactions } = await setup((db) => (work) => db.batch((tx) => work(failing(tx, "claim"))));
  const { claimed } = await wait();
  expect(await run()).toMatchObject({ kind: "created" });
  expect(await claimed).toHaveLength(1);
  expect(await transactions()).toEqual([{ created: false, status: "task_accept" }]);
});

test("where no session for both is free, the run is created by itself", async () => {
  const { run, wait } = await setup(() => () => Promise.reject(new NothingSent()));
  const { claimed } = await wait();
  const inserted = await run();
  expect(idsOf(await claimed)).toEqual([idOf(inserted)]);
});

test("a run that PostgreSQL refuses fails alone, and the worker goes on waiting", async () => {
  const { run, wait, transactions } = await setup();
  const { claimed } = await wait();
  const [bad, good] = await Promise.allSettled([run({ input: { prompt: "\u0000" } }), run()]);
  expect([bad.status, good.status]).toEqual(["rejected", "fulfilled"]);
  expect(await claimed).toHaveLength(1);
  expect((await transactions()).map(({ status }) => status)).toEqual(["task_accept"]);
});

test("when the answer is lost both hear it, and the line serves whoever comes next", async () => {
  let isLost = true;
  const { run, wait } = await setup((db) => async (work) => {
    if (!isLost) return db.batch(work);
    isLost = false;
    return db.batch((tx) => Promise.all([work(tx), tx.query("select pg_terminate_backend(pg_backend_pid())")])).then(([result]) => result);
  });
  const first = await wait();
  const second = await wait({ workerId: "w2" });
  const heard = expect(first.claimed).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
  await expect(run()).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
  await heard;
  const inserted = await run();
  expect(idsOf(await second.claimed)).toEqual([idOf(inserted)]);
});

test("a project that somebody holds keeps no run waiting, and no worker from the tasks of others", async () => {
  const { db, projectId, addProject, run, wait } = await setup();
  const other = await addProject();
  const [first, second] = [await wait({ workerId: "w1" }), await wait({ workerId: "w2", models: ["test/other"] })];
  await db.transaction(async (tx) => {
    await tx.query("select from project_usage where project_id = $1 for no key update", [projectId]);
    expect(await run()).toMatchObject({ kind: "created" });
    const inserted = await run({ projectId: other, model: "test/other" });
    // Its own claim waits where the first one does.
    void first.claimed.catch(() => undefined);
    expect(inserted).toMatchObject({ kind: "created" });
  });
  expect(await first.claimed).toHaveLength(1);
  expect(await second.claimed).toHaveLength(1);
});

test("a project that is known to have a limit of open tasks costs no claim beside the one that counts them", async () => {
  const { db, run, wait, batches } = await setup();
  await db.query("update projects set waiting_limit = 1000");
  const { claimed } = await wait();
  expect([await run(), await run(), await run()].map(({ kind }) => kind)).toEqual(["locked", "locked", "locked"]);
  expect(batches.count).toBe(1);
  void claimed;
});

/** The statement of this name is one that PostgreSQL refuses. */
function failing(tx: Queryable, name: string): Queryable {
  return {
    query: (statement, values) =>
      typeof statement !== "string" && statement.name === name ? tx.query("select 1 / 0") : tx.query(statement, values),
  };
}
