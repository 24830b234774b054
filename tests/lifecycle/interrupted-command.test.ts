// What Ctrl-C does to a command that has nothing of its own to end.

import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { afterAll, beforeAll, expect, it } from "vitest";

import { findServer } from "../../packages/server/src/data-folder/server-record.ts";
import { openDatabase } from "../../packages/server/src/db/database.ts";
import type { Database } from "../../packages/server/src/db/database.ts";
import { clusterDirOf, databaseUser } from "../../packages/server/src/db/embedded/cluster.ts";
import { readPidFile } from "../../packages/server/src/db/embedded/pid-file.ts";
import { embeddedDatabaseName, startDatabase } from "../../packages/server/src/db/start-database.ts";
import { limits } from "../../packages/server/src/limits.ts";
import { openLog } from "../../packages/server/src/log.ts";
import { atelier, processesOf, ServerProcess } from "./server-process.ts";

const noticedMs = 1_000;
/** Far longer than an immediate shutdown takes. */
const endedMs = 15_000;
const log = openLog({ level: "silent", pretty: false });

let dataDir: string;
let server: ServerProcess;
let db: Database;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "atelier-interrupted-"));
  server = new ServerProcess({ dataDir });
  await server.ready();
  db = openOn((await findServer(dataDir))?.socketDir);
});
afterAll(async () => {
  await db.close();
  server.kill("SIGTERM");
  await server.exit();
  await rm(dataDir, { recursive: true, force: true });
});

function openOn(socketDir: string | null | undefined): Database {
  return openDatabase({ log }, { host: socketDir ?? "", user: databaseUser, database: embeddedDatabaseName });
}

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

it("a second signal ends the PostgreSQL, too, that a command has for itself", async () => {
  const own = join(dataDir, "own");
  await atelier(["project", "create", "own", "--data", own]);
  const prepared = await startDatabase({ log }, { databaseUrl: undefined, folder: own, runAs: "auto" });
  await prepared.db.query("alter table projects rename to kept");
  await prepared.db.query("create view projects as select kept.* from kept, (select pg_sleep(600)) as slow");
  await prepared.stop();

  const list = new ServerProcess({ dataDir: own, command: [process.execPath, "bin/atelier.mjs", "project", "list", "--data", own] });
  const socketDir = await socketWhileListing(own);
  try {
    list.kill("SIGINT");
    await delay(limits.secondSignalMs + 100);
    list.kill("SIGINT");
    expect(await list.exit()).toBe(130);
    // Nobody waits for its end, which comes all the same.
    await expect.poll(() => processesOf(own), { timeout: endedMs }).toEqual([]);
    await expect(stat(socketDir)).rejects.toThrow("ENOENT");
  } finally {
    // Opens as after any crash; and stops one that was left.
    await (await startDatabase({ log }, { databaseUrl: undefined, folder: own, runAs: "auto" })).stop();
  }
});

/** The socket folder of the PostgreSQL on a data folder, once it runs the statement that takes its time. */
async function socketWhileListing(folder: string): Promise<string> {
  for (;;) {
    const found = await readPidFile(clusterDirOf(folder));
    if (found?.ready && found.socketDir !== undefined) {
      const beside = openOn(found.socketDir);
      const slow = "select 1 from pg_stat_activity where wait_event = 'PgSleep'";
      while ((await beside.query(slow)).rows.length === 0) await delay(20);
      await beside.close();
      return found.socketDir;
    }
    await delay(20);
  }
}
