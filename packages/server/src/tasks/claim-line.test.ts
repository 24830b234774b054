import { afterEach, expect, test, vi } from "vitest";

import type { Database } from "../db/database.ts";
import { failTask } from "../db/queries/moves.ts";
import { createTestDatabase, databaseWith } from "../db/test-database.ts";
import { openClaimLine } from "./claim-line.ts";
import { notingEmptyAnswers } from "./test-claims.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

test("a claim is refused at once while too many wait, and taken again when one of them has ended", async () => {
  const { db, drop } = await createTestDatabase();
  const line = await openClaimLine({ db }, 1);
  cleanups.push(drop, () => line.close());
  const claim = (stop: AbortController) => line.claim({ workerId: "w1", models: ["test/fake"], most: 1 }, { signal: stop.signal, waitMs: 60_000 });
  const stops = [new AbortController(), new AbortController()] as const;
  const first = claim(stops[0]);
  await expect(claim(stops[1])).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
  stops[0].abort();
  expect(await first).toEqual([]);
  const second = claim(stops[1]);
  stops[1].abort();
  expect(await second).toEqual([]);
});

test("who was kept from tasks by a project's limit is asked for again when a task has ended", async () => {
  // Without the look that the line takes every second.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  cleanups.push(() => vi.useRealTimers());
  const { db, drop } = await createTestDatabase();
  const { noted, whenEmpty, untilEmpty } = notingEmptyAnswers(db);
  const line = await openClaimLine({ db: noted });
  cleanups.push(drop, () => line.close());
  await db.query("insert into projects (uuid, name, auth, running_limit) values (gen_random_uuid(), 'p', 'key', 1)");
  await addTasks(db, 3);
  const claim = () => line.claim({ workerId: "w1", models: ["test/fake"], most: 1 }, { signal: new AbortController().signal, waitMs: 60_000 });
  const end = (id = "") => failTask(db, { taskId: id, attempt: 1, workerId: "w1" }, { pexit: "1", debugError: "", debugOutput: "" });
  const [first] = await claim();
  const isKnown = untilEmpty();
  const second = claim();
  await isKnown;
  expect(await end(first?.id)).toBe(true);
  line.askAgain();
  const [next] = await second;
  // An end that the statement under way has not seen.
  whenEmpty(async () => {
    await end(next?.id);
    line.askAgain();
  });
  expect(await claim()).toHaveLength(1);
});

test("nothing is claimed for a worker that has just left", async () => {
  const { db, drop } = await createTestDatabase();
  const { noted, untilEmpty } = notingEmptyAnswers(db);
  const line = await openClaimLine({ db: noted });
  cleanups.push(drop, () => line.close());
  await db.query("insert into projects (uuid, name, auth) values (gen_random_uuid(), 'p', 'key')");
  const claim = (workerId: string, { signal }: AbortController) => line.claim({ workerId, models: ["test/fake"], most: 1 }, { signal, waitMs: 60_000 });
  const stop = new AbortController();
  const isKnown = untilEmpty();
  const left = claim("w1", stop);
  await isKnown;
  await addTasks(db, 1);
  stop.abort();
  expect(await claim("w2", new AbortController())).toHaveLength(1);
  expect(await left).toEqual([]);
});

test("a worker that has all its places full of a project with a budget keeps no other worker from that project's tasks", async () => {
  // Without the look that the line takes every second.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  cleanups.push(() => vi.useRealTimers());
  const { db, drop } = await createTestDatabase();
  const line = await openClaimLine({ db });
  cleanups.push(drop, () => line.close());
  await db.query("insert into projects (uuid, name, auth, budget) values (gen_random_uuid(), 'p', 'key', 1000)");
  await addTasks(db, 2);
  const stop = new AbortController();
  const claim = (workerId: string, places?: number) =>
    line.claim({ workerId, models: ["test/fake"], most: 1, ...(places !== undefined && { places }) }, { signal: stop.signal, waitMs: 60_000 });
  expect(await claim("w1", 1)).toHaveLength(1);
  const again = claim("w1", 1);
  expect(await claim("w2")).toHaveLength(1);
  stop.abort();
  expect(await again).toEqual([]);
});

test("where no task waits, one look is enough for all workers of the same models", async () => {
  // Without the look that the line takes every second.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  cleanups.push(() => vi.useRealTimers());
  const { db, drop } = await createTestDatabase();
  const asked: string[] = [];
  let onLastAnswer: () => void = () => undefined;
  const isOver = new Promise<void>((resolve) => (onLastAnswer = resolve));
  const noting = databaseWith(db, {
    async query<Row extends object>(...[statement, values]: Parameters<Database["query"]>) {
      const answer = await db.query<Row>(statement, values);
      asked.push(String(values?.[0]));
      // The line is asked again for those who came while it was asked for the first.
      if (asked.filter((workerId) => workerId === "other").length === 2) onLastAnswer();
      return answer;
    },
  });
  const line = await openClaimLine({ db: noting });
  cleanups.push(drop, () => line.close());
  const claim = (workerId: string, model: string) =>
    void line.claim({ workerId, models: [model], most: 1, places: 1 }, { signal: new AbortController().signal, waitMs: 60_000 });
  for (const workerId of ["w1", "w2", "w3", "w4"]) claim(workerId, "test/fake");
  claim("other", "test/other");
  await isOver;
  expect(asked).toEqual(["w1", "other", "w1", "other"]);
});

/** Of the only project. */
async function addTasks(db: Database, count: number): Promise<void> {
  await db.query(
    `insert into tasks (project_id, token, model, model_id, status, parameters, input, cps, output_folder_id, last_event_seq)
     select p.id, gen_random_uuid()::text, 'test/fake', '1', 'task_queue', '{}', '{}', 0, '0', 1 from projects p, generate_series(1, $1)`,
    [count],
  );
}
