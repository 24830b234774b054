// The real lines by which a process creates and claims (tasks/new-task-line, tasks/claim-line), under workers that come and leave at any
// moment, runs that PostgreSQL refuses, and answers that are lost before or after the commit. Seeded, but whose turn it is is the event
// loop's and PostgreSQL's to say. ATELIER_LINES_SECONDS lengthens it.

import { setTimeout as delay } from "node:timers/promises";

import { afterEach, expect, test } from "vitest";

import type { Database } from "../../packages/server/src/db/database.ts";
import type { ClaimedTask } from "../../packages/server/src/db/queries/leases.ts";
import { createTestDatabase, databaseWith } from "../../packages/server/src/db/test-database.ts";
import { AtelierError } from "../../packages/server/src/errors.ts";
import { drawHexId, drawToken } from "../../packages/server/src/secret-text.ts";
import { openClaimLine } from "../../packages/server/src/tasks/claim-line.ts";
import type { ClaimLine } from "../../packages/server/src/tasks/claim-line.ts";
import { openNewTaskLine } from "../../packages/server/src/tasks/new-task-line.ts";
import type { NewTaskLine } from "../../packages/server/src/tasks/new-task-line.ts";
import { spoiltText } from "./callers.ts";
import { seededRandom } from "./random.ts";
import type { SeededRandom } from "./random.ts";

const seconds = Number(process.env["ATELIER_LINES_SECONDS"] ?? 4);
/** Beyond the time for which a worker wanted to wait. */
const mostLateMs = 5_000;
const models = ["test/fake", "test/other"];

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Seen {
  readonly created: Set<string>;
  /** Worker of each attempt. */
  readonly given: Map<string, string>;
  readonly broken: string[];
  /** Batches whose answer was lost after the commit: what a worker was given there stays for the rescue. */
  lost: number;
}

/** That a worker asks for at once. */
const most = 3;

test("nothing is given twice, nobody waits for ever, and no acknowledged task is missing", { timeout: seconds * 2_000 + 60_000 }, async () => {
  const { db, drop } = await createTestDatabase();
  cleanups.push(drop);
  const random = seededRandom(Date.now() % 1_000_000_000);
  const projects = [await addProject(db, null), await addProject(db, 2)];
  const seen: Seen = { created: new Set(), given: new Map(), broken: [], lost: 0 };
  const [line, elsewhere] = [await openClaimLine({ db }), await openClaimLine({ db })];
  cleanups.push(() => line.close(), () => elsewhere.close());
  const newTasks = openNewTaskLine({ db: unreliable(db, { random, seen }), workers: line });
  const until = performance.now() + seconds * 1_000;
  const isOver = (): boolean => performance.now() > until;
  const workers = [line, line, line, elsewhere].map((its, at) => work(db, { line: its, workerId: `w${at}`, random, seen, isOver }));
  const callers = [0, 1].map(() => call(newTasks, { projects, random, seen, isOver }));
  await Promise.all([...workers, ...callers]);
  const { rows } = await db.query<{ id: string; attempt: number; status: string; handedOver: boolean }>(
    `select id, attempt, status, created_at = accepted_at as "handedOver" from tasks`,
  );
  const nobodys = rows.filter(({ id, attempt, status }) => status === "task_accept" && !seen.given.has(`${id}:${attempt}`));
  expect(seen.broken).toEqual([]);
  expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining([...seen.created]));
  expect(rows.filter(({ handedOver }) => handedOver).length).toBeGreaterThan(0);
  expect(nobodys.length).toBeLessThanOrEqual(most * seen.lost);
  const last = line.claim({ workerId: "last", models, most: 1 }, { signal: new AbortController().signal, waitMs: mostLateMs });
  await newTasks.insert(taskOf(projects[0] ?? "", "test/fake"));
  expect(await last).toHaveLength(1);
});

async function addProject(db: Database, runningLimit: number | null): Promise<string> {
  const text = "insert into projects (uuid, name, auth, running_limit) values (gen_random_uuid(), 'p', 'key', $1) returning id";
  return (await db.query<{ id: string }>(text, [runningLimit])).rows[0]?.id ?? "";
}

function taskOf(projectId: string, model: string) {
  const words = { token: drawToken(), model, modelId: "1", callbackUrl: "", cps: "0.1", outputFolderId: drawHexId() };
  return { projectId, parameters: {}, input: {}, ...words };
}

/** Of ten batches one is refused, one dies before its commit, and of one the answer is lost after it. */
function unreliable(db: Database, { random, seen }: { random: SeededRandom; seen: Seen }): Database {
  return databaseWith(db, {
    async batch(work) {
      const dice = random.below(10);
      const beside = dice === 0 ? "select 1 / 0" : "select pg_terminate_backend(pg_backend_pid())";
      if (dice < 2) return db.batch((tx) => Promise.all([work(tx), tx.query(beside)])).then(([result]) => result);
      const result = await db.batch(work);
      if (dice !== 2) return result;
      seen.lost += 1;
      throw new AtelierError("SERVER_UNAVAILABLE");
    },
  });
}

interface Working {
  readonly line: ClaimLine;
  readonly workerId: string;
  readonly random: SeededRandom;
  readonly seen: Seen;
  readonly isOver: () => boolean;
}

/** Waits for tasks, for a moment or for long, or leaves; what it is given it ends soon. */
async function work(db: Database, { line, workerId, random, seen, isOver }: Working): Promise<void> {
  while (!isOver()) {
    const [stop, waitMs, wanted] = [new AbortController(), random.chance(0.3) ? random.below(30) : 2_000, 1 + random.below(most)];
    const leaving = random.chance(0.3) ? setTimeout(() => stop.abort(), random.below(15)) : undefined;
    const beganMs = performance.now();
    const offered = random.chance(0.5) ? models : models.slice(0, 1);
    const tasks = await line.claim({ workerId, models: offered, most: wanted, places: 4 }, { signal: stop.signal, waitMs }).catch(() => []);
    clearTimeout(leaving);
    if (performance.now() - beganMs > waitMs + mostLateMs) seen.broken.push(`${workerId} waited too long`);
    if (tasks.length > wanted) seen.broken.push(`${workerId} asked for ${wanted} and was given ${tasks.length}`);
    note(seen, workerId, tasks);
    if (tasks.length === 0) continue;
    await delay(random.below(8));
    const end = "update tasks set status = 'task_cancel', worker_id = null, lease_expires_at = null, ended_at = now() where id = any($1)";
    await db.query(end, [tasks.map(({ id }) => id)]);
    line.askAgain();
  }
}

function note({ given, broken }: Seen, workerId: string, tasks: readonly ClaimedTask[]): void {
  for (const { id, attempt } of tasks) {
    const key = `${id}:${attempt}`;
    if (given.has(key)) broken.push(`${key} was given to ${given.get(key)} and to ${workerId}`);
    given.set(key, workerId);
  }
}

interface Calling {
  readonly projects: readonly string[];
  readonly random: SeededRandom;
  readonly seen: Seen;
  readonly isOver: () => boolean;
}

async function call(newTasks: NewTaskLine, { projects, random, seen, isOver }: Calling): Promise<void> {
  while (!isOver()) {
    const runs = Array.from({ length: 1 + random.below(3) }, () => ({
      ...taskOf(random.pick(projects) ?? "", random.pick(models) ?? ""),
      ...(random.chance(0.05) && { input: { prompt: spoiltText } }),
    }));
    const answers = await Promise.allSettled(runs.map((run) => newTasks.insert(run)));
    for (const answer of answers) if (answer.status === "fulfilled" && "id" in answer.value) seen.created.add(answer.value.id);
    await delay(random.below(12));
  }
}
