import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { outputDaysOf, retentionFrom } from "../config/retention-settings.ts";
import type { Retention } from "../config/retention-settings.ts";
import { insertProject, insertTask } from "../db/test-task.ts";
import { createTestDatabase } from "../db/test-database.ts";
import type { TestDatabase } from "../db/test-database.ts";
import { openDiskStore } from "../files/disk-store.ts";
import type { FileStore } from "../files/file-store.ts";
import { limits } from "../limits.ts";
import { openLog } from "../log.ts";
import { drawHexId, drawOutputFolder, drawToken } from "../secret-text.ts";
import { findRepeatedRun } from "../tasks/repeated-run.ts";
import type { RunOnce } from "../tasks/repeated-run.ts";
import { Trail } from "./beyond.ts";
import { countPruned, prune } from "./prune.ts";
import { sweepFiles } from "./sweep-files.ts";
import { startUpkeep } from "./upkeep.ts";

let test: TestDatabase;
let files: FileStore;
let folder: string;
let projectId: string;

beforeEach(async () => {
  test = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "atelier-prune-"));
  files = openDiskStore(folder);
  projectId = await insertProject(test.db);
});
afterEach(async () => {
  await test.drop();
  await rm(folder, { recursive: true, force: true });
});

async function waitingTask(idempotency?: RunOnce, fileIds: readonly string[] = []): Promise<string> {
  const task = { token: drawToken(), model: "test/fake", modelId: "1", parameters: {}, input: {}, callbackUrl: "" };
  return insertTask(test.db, { ...task, projectId, cps: "0.000585000000", outputFolderId: drawHexId(), idempotency, fileIds });
}

async function endWell(id: string, daysAgo: number): Promise<string> {
  await test.db.query(
    `update tasks set status = 'task_postprocess_end', pexit = '0', last_event_seq = 3,
            postprocess_ended_at = now() - $2::float8 * interval '1 day' where id = $1`,
    [id, daysAgo],
  );
  return id;
}

/** A task that ended well so long ago, with three events, one picture of ten bytes and its ledger line. */
async function endedTask(daysAgo: number): Promise<{ id: string; fileKey: string }> {
  const id = await endWell(await waitingTask(), daysAgo);
  const fileKey = `${drawOutputFolder()}/0.png`;
  await files.put(fileKey, Readable.from([Buffer.from("0123456789")]));
  const { db } = test;
  await db.query(
    `insert into task_events (task_id, seq, attempt, type) values ($1, 2, 1, 'task_accept'), ($1, 3, 1, 'task_postprocess_end')`,
    [id],
  );
  await db.query(
    `insert into outputs (id, task_id, position, name, content_type, size_bytes, access_key, file_key)
     values ($1, $2, 0, '0.png', 'image/png', 10, $3, $4)`,
    [drawHexId(), id, drawToken(), fileKey],
  );
  await db.query("insert into ledger (task_id, project_id, amount) values ($1, $2, 1)", [id, projectId]);
  return { id, fileKey };
}

async function delivery(taskId: string, status: string, daysAgo: number): Promise<void> {
  await test.db.query(
    `insert into deliveries (task_id, project_id, url, status, ended_at)
     values ($1, $2, 'https://example.org/', $3, case when $3 <> 'waiting' then now() - $4::float8 * interval '1 day' end)`,
    [taskId, projectId, status, daysAgo],
  );
}

/** Counts first what it then removes: both must agree. */
async function pruneWith(settings: Parameters<typeof retentionFrom>[0]) {
  const retention: Retention = retentionFrom(settings);
  const counted = await countPruned({ db: test.db, retention });
  const removed = await prune({ db: test.db, files, retention });
  expect(counted).toEqual(removed);
  expect(await countPruned({ db: test.db, retention })).toEqual({ uploads: 0, tasks: 0, events: 0, files: 0, fileBytes: 0, deliveries: 0 });
  return { counted, removed };
}

async function idsOf(table: string, column = "task_id"): Promise<string[]> {
  const { rows } = await test.db.query<{ id: string }>(`select distinct ${column} as id from ${table} order by 1`);
  return rows.map((row) => row.id);
}

describe("retention", () => {
  it("keeps outputs for the shorter of two times, and for good without any", () => {
    const daysOf = (settings: Parameters<typeof retentionFrom>[0]) => outputDaysOf(retentionFrom(settings));
    expect(daysOf({})).toBeUndefined();
    expect(daysOf({ ATELIER_KEEP_FILES_DAYS: 7 })).toBe(7);
    expect(daysOf({ ATELIER_KEEP_FILES_DAYS: 7, ATELIER_KEEP_TASKS_DAYS: 2 })).toBe(2);
  });

  it("keeps everything unless it is told otherwise", async () => {
    await endedTask(10_000);
    const { counted, removed } = await pruneWith({});
    expect([counted, removed]).toEqual(Array(2).fill({ uploads: 0, tasks: 0, events: 0, files: 0, fileBytes: 0, deliveries: 0 }));
    expect(await idsOf("outputs")).toHaveLength(1);
  });

  it("removes tasks by age with their events, outputs, bytes and callbacks; their ledger lines stay", async () => {
    const [old, young] = [await endedTask(31), await endedTask(29)];
    await delivery(old.id, "delivered", 31);
    const waiting = await waitingTask();
    const { counted, removed } = await pruneWith({ ATELIER_KEEP_TASKS_DAYS: 30 });
    expect(counted).toMatchObject({ tasks: 1, files: 1, fileBytes: 10 });
    expect(removed).toMatchObject({ tasks: 1, files: 1, fileBytes: 10 });
    expect(await idsOf("tasks", "id")).toEqual([young.id, waiting]);
    for (const table of ["outputs", "ledger", "task_events"]) expect(await idsOf(table)).toContain(young.id);
    for (const table of ["outputs", "task_events", "deliveries"]) expect(await idsOf(table)).not.toContain(old.id);
    expect(await idsOf("ledger")).toEqual([old.id, young.id]);
    expect(await isStored(old.fileKey)).toBe(false);
    expect(await readdir(folder, { recursive: true })).toContainEqual(expect.stringContaining(young.fileKey));
  });

  it("counts once what goes with its task and would go without it, too", async () => {
    const [old, middle] = [await endedTask(40), await endedTask(20)];
    for (const { id } of [old, middle]) await delivery(id, "delivered", 15);
    const settings = { ATELIER_KEEP_TASKS_DAYS: 30, ATELIER_KEEP_FILES_DAYS: 10, ATELIER_KEEP_EVENTS_DAYS: 10, ATELIER_KEEP_DELIVERIES_DAYS: 10 };
    expect((await pruneWith(settings)).counted).toMatchObject({ tasks: 1, files: 2, fileBytes: 20, events: 2, deliveries: 1 });
  });

  it("removes tasks by number, those that ended longest ago first, in as many steps as it takes", async () => {
    const made = [];
    for (let count = 0; count < 12; count += 1) made.push(await endedTask(12 - count));
    const { removed } = await pruneWith({ ATELIER_KEEP_TASKS_COUNT: 2 });
    expect(removed.tasks).toBe(10);
    expect(await idsOf("tasks", "id")).toEqual(made.slice(-2).map((task) => task.id));
  });

  it("keeps a task whose callback is still to be sent", async () => {
    const { id } = await endedTask(31);
    await delivery(id, "waiting", 0);
    expect((await pruneWith({ ATELIER_KEEP_TASKS_DAYS: 30 })).removed.tasks).toBe(0);
    expect(await idsOf("deliveries")).toEqual([id]);
  });

  it("keeps a task with which a repeated Run is still answered, until its Idempotency-Key is too old for that", async () => {
    const key = { key: "order-1", fingerprint: Buffer.from("a red planet") };
    const id = await endWell(await waitingTask(key), 0.5);
    await endedTask(0.5);
    expect((await pruneWith({ ATELIER_KEEP_TASKS_COUNT: 0 })).removed.tasks).toBe(1);
    expect(await findRepeatedRun({ db: test.db }, projectId, key)).toMatchObject({ id });
    await test.db.query("update idempotency_keys set created_at = now() - $1 * interval '1 millisecond'", [limits.idempotencyKeyMs + 1_000]);
    expect((await pruneWith({ ATELIER_KEEP_TASKS_COUNT: 0 })).removed.tasks).toBe(1);
    expect(await idsOf("tasks", "id")).toEqual([]);
  });

  it("removes the events of old tasks but for the last one", async () => {
    const [old, young] = [await endedTask(31), await endedTask(1)];
    const { counted, removed } = await pruneWith({ ATELIER_KEEP_EVENTS_DAYS: 30 });
    expect([counted.events, removed.events]).toEqual([2, 2]);
    const { rows } = await test.db.query("select task_id, seq from task_events order by 1, 2");
    expect(rows).toEqual([{ task_id: old.id, seq: 3 }, ...[1, 2, 3].map((seq) => ({ task_id: young.id, seq }))]);
  });

  it("goes on behind the last pass of its server, but not past a task that is not over yet or has just ended", async () => {
    const retention = retentionFrom({ ATELIER_KEEP_EVENTS_COUNT: 0 });
    const trails = { files: new Trail(), events: new Trail() };
    const pass = async () => (await prune({ db: test.db, files, retention, trails })).events;
    const [done, awaited] = [await endedTask(3), await endedTask(2)];
    await delivery(awaited.id, "waiting", 0);
    const fresh = await endedTask(0);
    expect(await pass()).toBe(4);
    // Had it looked at the first task again, these would be gone.
    await test.db.query("insert into task_events (task_id, seq, attempt, type) values ($1, 1, 0, 'task_queue'), ($2, 1, 0, 'task_queue')", [done.id, fresh.id]);
    await test.db.query("update deliveries set status = 'delivered', ended_at = now()");
    expect(await pass()).toBe(3);
    await test.db.query("insert into task_events (task_id, seq, attempt, type) values ($1, 1, 0, 'task_queue'), ($2, 1, 0, 'task_queue')", [awaited.id, fresh.id]);
    expect(await pass()).toBe(1);
    expect((await prune({ db: test.db, files, retention })).events).toBe(2);
  });

  it("removes pictures by age and by size, the oldest first; the record of the task stays and says so", async () => {
    const [oldest, old, young] = [await endedTask(31), await endedTask(3), await endedTask(1)];
    expect((await pruneWith({ ATELIER_KEEP_FILES_DAYS: 30 })).removed).toMatchObject({ files: 1, tasks: 0 });
    expect((await pruneWith({ ATELIER_KEEP_FILES_GIB: 10 })).removed).toMatchObject({ files: 1, fileBytes: 10 });
    expect(await idsOf("outputs")).toEqual([young.id]);
    expect(await isStored(old.fileKey)).toBe(false);
    const { rows } = await test.db.query("select id, output_folder_id = '0' as emptied from tasks order by id");
    expect(rows).toEqual([{ id: oldest.id, emptied: true }, { id: old.id, emptied: true }, { id: young.id, emptied: false }]);
  });

  it.each([
    { ATELIER_KEEP_FILES_DAYS: 30 },
    { ATELIER_KEEP_FILES_GIB: 1 },
    { ATELIER_KEEP_TASKS_DAYS: 30 },
    { ATELIER_KEEP_TASKS_COUNT: 0 },
  ])("keeps a picture that is the input of another task until that one has ended (%o)", async (settings) => {
    const [needed, other] = [await endedTask(31), await endedTask(31)];
    const user = await waitingTask(undefined, await idsOf(`outputs where task_id = ${needed.id}`, "id"));
    const trails = { files: new Trail(), events: new Trail() };
    const pass = () => prune({ db: test.db, files, retention: retentionFrom(settings), trails });
    await pass();
    expect([await isStored(needed.fileKey), await isStored(other.fileKey)]).toEqual([true, false]);
    expect(await idsOf("outputs")).toEqual([needed.id]);
    await endWell(user, 0);
    await pass();
    expect(await isStored(needed.fileKey)).toBe(false);
    expect(await idsOf("outputs")).toEqual([]);
  });

  it("walks page after page, also through tasks that ended at the same moment", async () => {
    const count = 2 * limits.pruneTasks + 10;
    await waitingTask();
    await test.db.query(
      `with ended as (
         insert into tasks (project_id, token, model, model_id, parameters, input, callback_url, cps, output_folder_id, status, last_event_seq, pexit, postprocess_ended_at)
         select $1, 'token ' || n, 'test/fake', '1', '{}', '{}', '', 1, 'folder ' || n, 'task_postprocess_end', 2, '0', now() - interval '31 days'
           from generate_series(1, $2::int) as n returning id
       ), logged as (
         insert into task_events (task_id, seq, attempt, type) select id, seq, 0, 'task_queue' from ended, generate_series(1, 2) as seq
       )
       insert into outputs (id, task_id, position, name, content_type, size_bytes, access_key, file_key)
       select 'id ' || id, id, 0, '0.png', 'image/png', 1048576, 'access ' || id, 'key' || id || '/0.png' from ended`,
      [projectId, count],
    );
    expect(await pruneWith({ ATELIER_KEEP_EVENTS_DAYS: 30 })).toMatchObject({ counted: { events: count }, removed: { events: count } });
    // One GiB holds 1,024 of these pictures.
    expect(await pruneWith({ ATELIER_KEEP_FILES_GIB: 1024 ** 3 })).toMatchObject({ counted: { files: count - 1_024 }, removed: { files: count - 1_024 } });
    expect(await pruneWith({ ATELIER_KEEP_FILES_DAYS: 30 })).toMatchObject({ counted: { files: 1_024 }, removed: { files: 1_024 } });
    expect(await pruneWith({ ATELIER_KEEP_TASKS_COUNT: 7 })).toMatchObject({ counted: { tasks: count - 7 }, removed: { tasks: count - 7 } });
  });

  it("removes uploads that expired, and by age, but none that a task still waits with", async () => {
    const add = async (days: number, expiresInDays: number | null): Promise<string> => {
      const { rows } = await test.db.query<{ id: string }>(
        `insert into files (id, project_id, origin, name, content_type, size_bytes, access_key, file_key, created_at, stored_at, expires_at)
         values ($1, $2, 'upload', 'a.png', 'image/png', 1, $3, $4, now() - $5::float8 * interval '1 day', now(), now() + $6::float8 * interval '1 day')
         returning id`,
        [drawHexId(), projectId, drawToken(), `${drawOutputFolder()}/a.png`, days, expiresInDays],
      );
      return rows[0]?.id ?? "";
    };
    const [young, waitedFor] = [await add(1, null), await add(40, -1)];
    await add(40, null);
    await add(1, -1);
    await test.db.query("insert into task_files (task_id, file_id) values ($1, $2)", [await waitingTask(), waitedFor]);
    expect((await pruneWith({})).removed.uploads).toBe(1);
    expect((await pruneWith({ ATELIER_KEEP_FILES_DAYS: 30 })).removed.uploads).toBe(1);
    expect(await idsOf("files", "id")).toEqual([young, waitedFor].toSorted());
  });

  it("asks the database how old an upload is, whatever this machine's clock says", async () => {
    await test.db.query(
      `insert into files (id, project_id, origin, name, content_type, size_bytes, access_key, file_key, stored_at)
       values ('f', $1, 'upload', 'a.png', 'image/png', 1, 'k', 'f/a.png', now())`,
      [projectId],
    );
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 400 * 86_400_000 });
    try {
      expect((await pruneWith({ ATELIER_KEEP_FILES_DAYS: 30 })).removed.uploads).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("removes callbacks that ended long ago, and none that waits", async () => {
    const [done, fresh, waiting] = [await endedTask(40), await endedTask(40), await endedTask(40)];
    await delivery(done.id, "abandoned", 31);
    await delivery(fresh.id, "delivered", 1);
    await delivery(waiting.id, "waiting", 0);
    expect((await pruneWith({ ATELIER_KEEP_DELIVERIES_DAYS: 30 })).removed.deliveries).toBe(1);
    expect(await idsOf("deliveries")).toEqual([fresh.id, waiting.id]);
  });
});

describe("the sweep", () => {
  const orphan = async (): Promise<string> => {
    const key = `${drawOutputFolder()}/0.png`;
    await files.put(key, Readable.from([Buffer.from("lost")]));
    return key;
  };
  /** As if that much time had passed since every file was stored. */
  const sweep = (passedMs: number, dryRun = false) => sweepFiles({ db: test.db, files: olderBy(files, passedMs) }, { dryRun });
  const dayMs = 86_400_000;

  it("removes what no row names once it is old enough, and keeps what a row names", async () => {
    const lost = await orphan();
    const { fileKey } = await endedTask(0);
    expect(await sweep(0)).toMatchObject({ orphans: 0 });
    expect(await sweep(dayMs, true)).toMatchObject({ orphans: 1, orphanBytes: 4 });
    expect(await isStored(lost)).toBe(true);
    expect(await sweep(dayMs)).toMatchObject({ orphans: 1, orphanBytes: 4 });
    expect(await isStored(lost)).toBe(false);
    expect(await isStored(fileKey)).toBe(true);
  });

  it("never removes what an attempt that is under way may have stored, however old it is", async () => {
    const id = await waitingTask();
    await test.db.query(
      "update tasks set status = 'task_postprocess_start', attempt = 1, worker_id = 'w', accepted_at = now() - interval '2 days' where id = $1",
      [id],
    );
    const stored = await orphan();
    expect(await sweep(dayMs)).toMatchObject({ orphans: 0 });
    expect(await isStored(stored)).toBe(true);
    await test.db.query("update tasks set status = 'task_queue', worker_id = null, accepted_at = null where id = $1", [id]);
    expect(await sweep(dayMs)).toMatchObject({ orphans: 1 });
  });

  it("is part of what a server does by itself, and stops with it", async () => {
    const log = openLog({ level: "silent", pretty: false });
    const upkeep = startUpkeep({ db: test.db, files: olderBy(files, dayMs), log, retention: retentionFrom({ ATELIER_KEEP_TASKS_DAYS: 30 }) });
    await endedTask(31);
    await orphan();
    expect(await upkeep.runOnce()).toMatchObject({ tasks: 1, orphans: 1 });
    await upkeep.stop();
  });
});

async function isStored(key: string): Promise<boolean> {
  const opened = await files.open(key);
  opened?.stream.destroy();
  return opened !== undefined;
}

/** The same files, stored that much earlier. */
function olderBy(store: FileStore, ms: number): FileStore {
  return {
    ...store,
    async *list() {
      for await (const page of store.list()) yield page.map((file) => ({ ...file, storedAt: new Date(file.storedAt.getTime() - ms) }));
    },
  };
}
