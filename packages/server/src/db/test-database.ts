// Databases for tests: each call gives a fresh, migrated one, cloned from a template (22 to 58 ms, measured).

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openLog } from "../log.ts";
import type { Log } from "../log.ts";
import { openDatabase } from "./database.ts";
import type { Database } from "./database.ts";
import { databaseUser } from "./embedded/cluster.ts";
import { migrate } from "./migrate.ts";
import { embeddedDatabaseName, startDatabase } from "./start-database.ts";

/** Where the PostgreSQL of this test run listens; set by `startTestPostgres`, or before it for a PostgreSQL of one's own:
 *  its socket's folder, where the user of the embedded one may do everything without a password. */
const hostVariable = "ATELIER_TEST_POSTGRES";

export interface TestDatabase {
  readonly db: Database;
  /** For a second pool on the same database. */
  readonly address: { readonly host: string; readonly user: string; readonly database: string };
  /** Closes the pool and drops the database. */
  drop(): Promise<void>;
}

/** Starts the PostgreSQL of a test run (vitest's global setup calls it once) and returns what stops it.
 *  Not durable: nothing of it outlives the run. */
export async function startTestPostgres(): Promise<() => Promise<void>> {
  const log = openLog({ level: "silent", pretty: false });
  const given = process.env[hostVariable];
  if (given !== undefined) return useGivenPostgres(log, given);
  const folder = await mkdtemp(join(tmpdir(), "atelier-test-"));
  const running = await startDatabase(
    { log },
    { databaseUrl: undefined, folder, runAs: "auto", settings: { fsync: "off", synchronous_commit: "off", max_connections: "200" } },
  );
  // A template must have no sessions.
  await running.db.close();
  process.env[hostVariable] = running.socketDir;
  return async () => {
    await running.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

async function useGivenPostgres(log: Log, host: string): Promise<() => Promise<void>> {
  const admin = openDatabase({ log }, { host, user: databaseUser, database: "postgres" });
  await admin.query(`create database ${embeddedDatabaseName}`);
  await admin.close();
  const template = openDatabase({ log }, { host, user: databaseUser, database: embeddedDatabaseName });
  await migrate({ db: template, log });
  await template.close();
  return () => Promise.resolve();
}

/** A fresh database with the current schema. Call `drop` in afterAll or afterEach. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const host = process.env[hostVariable];
  if (host === undefined) throw new Error("no test PostgreSQL: vitest.config.ts must name tests/global-setup.ts");
  const log = openLog({ level: "silent", pretty: false });
  const database = `test_${randomBytes(8).toString("hex")}`;
  const admin = openDatabase({ log }, { host, user: databaseUser, database: "postgres" });
  await admin.query(`create database ${database} template ${embeddedDatabaseName}`);
  const address = { host, user: databaseUser, database };
  const db = openDatabase({ log }, address);
  return {
    db,
    address,
    async drop() {
      await db.close();
      await admin.query(`drop database ${database} with (force)`);
      await admin.close();
    },
  };
}

/** `db` with some of its methods replaced. */
export function databaseWith(db: Database, changes: Partial<Database>): Database {
  return {
    query: db.query.bind(db),
    transaction: db.transaction.bind(db),
    batch: db.batch.bind(db),
    announce: db.announce.bind(db),
    listen: db.listen.bind(db),
    close: db.close.bind(db),
    ...changes,
  };
}
