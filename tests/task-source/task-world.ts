// A database with a project, a store and one model, and what a test does to its tasks behind a worker's back.

import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { manifestSchema } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";

import type { Database } from "../../packages/server/src/db/database.ts";
import { failLostTasks, rescueTasks } from "../../packages/server/src/db/queries/leases.ts";
import type { Task } from "../../packages/server/src/db/task.ts";
import { createTestDatabase } from "../../packages/server/src/db/test-database.ts";
import { insertProject } from "../../packages/server/src/db/test-task.ts";
import { openDiskStore } from "../../packages/server/src/files/disk-store.ts";
import type { FileStore } from "../../packages/server/src/files/file-store.ts";
import { openClaimLine } from "../../packages/server/src/tasks/claim-line.ts";
import { createTask } from "../../packages/server/src/tasks/create-task.ts";
import { findTask } from "../../packages/server/src/tasks/find-task.ts";
import { openKillFeed } from "../../packages/server/src/tasks/kill-feed.ts";
import { openReportLine } from "../../packages/server/src/tasks/report-line.ts";
import type { LocalTaskSourceDeps } from "../../packages/server/src/tasks/local-task-source.ts";
import type { FinishedRun } from "../../packages/server/src/tasks/task-source.ts";

export const testModel = "test/fake";

export const manifest: Manifest = manifestSchema.parse({
  id: "1",
  owner: "Test",
  slug: "Fake",
  title: "Fake",
  description: "",
  cover: "",
  categories: [],
  cps: "0.000585000000",
  parameters: [],
  variants: [{ name: "fake", engine: "fake", base: "." }],
});

/** Models of which tests of warm ones have tasks. */
const others = ["cold", "base", "warm"].map((slug, at) => ({ ...manifest, id: String(at + 2), slug }));

export interface TaskWorld extends LocalTaskSourceDeps {
  readonly db: Database;
  readonly files: FileStore;
  readonly projectId: string;
  /** Scratch space beside the store. */
  readonly folder: string;
  /** `slug`: of one of the world's models. Default: the first. */
  run(input?: Record<string, unknown>, slug?: string): Promise<{ id: string; token: string }>;
  task(id: string): Promise<Task | undefined>;
  eventTypes(id: string): Promise<string[]>;
  progressOf(id: string): Promise<unknown[]>;
  /** As if every worker had been silent for too long. */
  expireLeases(): Promise<void>;
  /** Returns how many tasks went back to the queue or ended. */
  rescue(): Promise<number>;
  /** Returns its key. */
  storeFile(key: string, content: string): Promise<string>;
  /** Names of all files in the store. */
  storedFiles(): Promise<string[]>;
  onClose(cleanup: () => Promise<unknown>): void;
  close(): Promise<void>;
}

export async function openTaskWorld(models: readonly Manifest[] = [manifest, ...others]): Promise<TaskWorld> {
  const { db, drop } = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), "atelier-source-"));
  const cleanups: (() => Promise<unknown>)[] = [drop, () => rm(folder, { recursive: true, force: true })];
  const projectId = await insertProject(db);
  const files = openDiskStore(join(folder, "files"));
  const claims = await openClaimLine({ db });
  const kills = await openKillFeed({ db });
  cleanups.push(async () => claims.close(), async () => kills.close());
  const column = async (sql: string, id: string): Promise<unknown[]> =>
    (await db.query<{ value: unknown }>(sql, [id])).rows.map((row) => row.value);
  return {
    db,
    files,
    claims,
    kills,
    reports: openReportLine({ db }),
    projectId,
    folder,
    listModels: () => models,
    run: (input = { prompt: "x" }, slug = manifest.slug) => {
      const model = models.find((known) => known.slug === slug);
      if (!model) throw new Error(`this world has no model ${slug}`);
      return createTask({ db }, { projectId, model, parameters: {}, input, callbackUrl: "" });
    },
    task: (id) => findTask({ db }, { projectId, id }),
    // Events have text types.
    eventTypes: async (id) => (await column("select type as value from task_events where task_id = $1 order by seq", id)) as string[],
    progressOf: (id) => column("select data as value from task_events where task_id = $1 and type = 'task_output' order by seq", id),
    async expireLeases() {
      await db.query("update tasks set lease_expires_at = now() - interval '1 second' where lease_expires_at is not null");
    },
    async rescue() {
      const bounds = { lostLeases: 10, most: 100 };
      return (await failLostTasks(db, bounds)) + (await rescueTasks(db, bounds));
    },
    async storeFile(key, content) {
      await writeFile(join(folder, "to-store"), content);
      await files.put(key, join(folder, "to-store"));
      return key;
    },
    async storedFiles() {
      const listed = await readdir(join(folder, "files"), { recursive: true, withFileTypes: true }).catch(() => []);
      return listed.filter((entry) => entry.isFile()).map((entry) => entry.name);
    },
    onClose: (cleanup) => void cleanups.push(cleanup),
    async close() {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    },
  };
}

/** What an engine wrote that drew so many pictures. */
export async function drawIn(folder: string, count: number): Promise<FinishedRun> {
  const outputs = Array.from({ length: count }, async (_, index) => {
    const path = join(folder, `${index}.png`);
    await writeFile(path, `picture ${index}`);
    return { index, path, contentType: "image/png" };
  });
  return { outputs: await Promise.all(outputs), debugOutput: "said", provenance: { engine: "fake" } };
}
