// What Ctrl-C does to a command that has nothing of its own to end.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { afterAll, beforeAll, expect, it } from "vitest";

import { findServer } from "../../packages/server/src/data-folder/server-record.ts";
import { openDatabase } from "../../packages/server/src/db/database.ts";
import type { Database } from "../../packages/server/src/db/database.ts";
import { databaseUser } from "../../packages/server/src/db/embedded/cluster.ts";
import { embeddedDatabaseName } from "../../packages/server/src/db/start-database.ts";
import { limits } from "../../packages/server/src/limits.ts";
import { openLog } from "../../packages/server/src/log.ts";
import { ServerProcess } from "./server-process.ts";

const noticedMs = 1_000;

let dataDir: string;
let server: ServerProcess;
let db: Database;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "atelier-interrupted-"));
  server = new ServerProcess({ dataDir });
  await server.ready();
  const host = (await findServer(dataDir))?.socketDir ?? "";
  db = openDatabase({ log: openLog({ level: "silent", pretty: false }) }, { host, user: databaseUser, database: embeddedDatabaseName });
});
afterAll(async () => {
  await db.close();
  server.kill("SIGTERM");
  await server.exit();
  await rm(dataDir, { recursive: true, force: true });
});

/** Calls `interrupt` while `project list` waits for a lock of the database. Resolves when that has been done and the lock is free. */
async function listWhileLocked(interrupt: (list: ServerProcess) => Promise<unknown>): Promise<ServerProcess> {
  return db.transaction(async (tx) => {
    await tx.query("lock table projects in access exclusive mode");
    const list = new ServerProcess({ dataDir, command: [process.execPath, "bin/atelier.mjs", "project", "list", "--data", dataDir] });
    const waits = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'from projects'";
    while ((await db.query(waits)).rows.length === 0) await delay(20);
    await interrupt(list);
    return list;
  });
}

it("the first signal ends a command once its statement has ended, and it says nothing else than that it was stopped", async () => {
  const list = await listWhileLocked(async (running) => {
    running.kill("SIGINT");
    // npm passes on what the terminal has sent already: this is the same one.
    running.kill("SIGINT");
    // Nothing shows that a process has noticed a signal; without the lock its answer could come first.
    await delay(noticedMs);
  });
  expect(await list.exit()).toBe(130);
  expect({ stdout: list.stdout, stderr: list.stderr }).toEqual({ stdout: [], stderr: ["stopped"] });
});

it("a second signal ends it at once", async () => {
  const list = await listWhileLocked(async (running) => {
    running.kill("SIGTERM");
    await delay(limits.secondSignalMs + 100);
    running.kill("SIGTERM");
    // While the lock is held.
    expect(await running.exit()).toBe(130);
  });
  expect(list.stdout).toEqual([]);
});
