import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { afterEach, beforeEach, expect, it } from "vitest";

import { createTestDatabase } from "../../db/test-database.ts";
import type { TestDatabase } from "../../db/test-database.ts";
import { openDiskStore } from "../../files/disk-store.ts";
import { makeBackup } from "./make-backup.ts";

let test: TestDatabase;
let folder: string;
beforeEach(async () => {
  test = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "atelier-backup-"));
});
afterEach(async () => {
  await test.drop();
  await rm(folder, { recursive: true, force: true });
});

const make = (to: string) => {
  const deps = { address: test.address, files: openDiskStore(join(folder, "files")), masterKey: Buffer.alloc(32), onProgress: () => undefined };
  return makeBackup(deps, to, { withMasterKey: true });
};

/** Takes the backup's session from it between two tables. */
async function loseSession(made: Promise<unknown>): Promise<void> {
  await test.db.transaction(async (tx) => {
    await tx.query("lock table ledger in access exclusive mode");
    const waiting = "from pg_stat_activity where application_name = 'atelier-backup' and wait_event_type = 'Lock' and datname = current_database()";
    while ((await test.db.query(`select pg_terminate_backend(pid) ${waiting}`)).rows.length === 0) await delay(5);
    await made;
  });
}

it("one that fails says why, and that nothing of it stays: not the folder, nor those above that were made for it", async () => {
  const to = join(folder, "new/backup");
  const failure = { code: "BACKUP_FAILED", problem: expect.stringContaining(`The backup in ${to} failed: `), remedy: expect.stringContaining("is removed") };
  await loseSession(expect(make(to)).rejects.toMatchObject(failure));
  expect(await readdir(folder)).toEqual([]);
});

it("one that fails leaves the empty folder that it was given", async () => {
  const to = join(folder, "given");
  await mkdir(to);
  await loseSession(expect(make(to)).rejects.toThrow());
  expect(await readdir(to)).toEqual([]);
});

it("one that fails before its first table leaves nothing either", async () => {
  const to = join(folder, "new");
  await test.db.query("alter table schema_migrations rename to elsewhere");
  await expect(make(to)).rejects.toMatchObject({ code: "BACKUP_FAILED", problem: expect.stringMatching(/schema_migrations.*exist\.$/) });
  expect(await readdir(folder)).toEqual([]);
});

it("of two into one folder one is refused, and takes nothing from the other", async () => {
  const to = join(folder, "new");
  const made = await Promise.allSettled([make(to), make(to)]);
  expect(made.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  expect(made.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "BACKUP_REFUSED" } });
  expect((await readdir(to)).toSorted()).toEqual(["files.jsonl", "manifest.json", "master.key", "tables"]);
});
