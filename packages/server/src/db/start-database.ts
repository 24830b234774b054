// Brings up the database a server works with: the embedded one, or the one DATABASE_URL names; connected and migrated.

import { setTimeout as delay } from "node:timers/promises";

import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { OperatorError } from "../operator-error.ts";
import { openDatabase } from "./database.ts";
import type { Database, DatabaseAddress } from "./database.ts";
import { startEmbeddedPostgres } from "./embedded/embedded-postgres.ts";
import type { RunAsChoice } from "./embedded/run-as.ts";
import { isConnectionError } from "./connection-error.ts";
import { migrate } from "./migrate.ts";
import type { Migration } from "./migrate.ts";

export interface StartDatabaseOptions {
  /** Use this PostgreSQL instead of the embedded one. */
  readonly databaseUrl: string | undefined;
  /** Folder of the embedded database, used by this process alone. */
  readonly folder: string;
  readonly runAs: RunAsChoice;
  readonly settings?: Readonly<Record<string, string>>;
  /** Called when the embedded PostgreSQL died and could not be started again. */
  readonly onLost?: (error: unknown) => void;
  /** The schema to bring it to. Default: this version's. */
  readonly migrations?: readonly Migration[];
  /** Aborting it ends the wait for an external database that does not answer. */
  readonly signal?: AbortSignal;
}

export interface RunningDatabase {
  readonly db: Database;
  /** For sessions beside the pool. */
  readonly address: DatabaseAddress;
  /** Socket folder of the embedded PostgreSQL; undefined for an external one. */
  readonly socketDir: string | undefined;
  /** Closes the sessions, then stops the embedded PostgreSQL. */
  stop(): Promise<void>;
}

/** Resolves with a database of this version's schema. Each failure undoes what was started before it. */
export async function startDatabase(deps: { log: Log }, options: StartDatabaseOptions): Promise<RunningDatabase> {
  if (options.databaseUrl !== undefined) {
    const address = { connectionString: options.databaseUrl };
    const db = await openReady(deps, address, options);
    return { db, address, socketDir: undefined, stop: () => db.close() };
  }
  const postgres = await startEmbeddedPostgres(deps, options);
  try {
    const address = await ensureDatabase(deps, postgres);
    const db = await openReady(deps, address, { migrations: options.migrations });
    return {
      db,
      address,
      socketDir: postgres.socketDir,
      async stop() {
        await db.close();
        await postgres.stop();
      },
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/** Name of the database inside an embedded PostgreSQL. */
export const embeddedDatabaseName = "atelier";

interface ReadyOptions {
  readonly migrations?: readonly Migration[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

async function openReady(deps: { log: Log }, address: DatabaseAddress, { migrations, signal }: ReadyOptions): Promise<Database> {
  const db = openDatabase(deps, address);
  try {
    await waitForDatabase({ db, log: deps.log }, signal);
    await expectFit(db);
    await migrateWithoutLimit(deps, address, migrations);
    return db;
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** A migration may take minutes on a large database, and waits for another server's. */
async function migrateWithoutLimit(
  deps: { log: Log },
  address: DatabaseAddress,
  migrations: readonly Migration[] | undefined,
): Promise<void> {
  const db = openDatabase(deps, address, { answerMs: 0 });
  await migrate({ db, log: deps.log }, migrations).finally(() => db.close());
}

async function ensureDatabase(
  deps: { log: Log },
  postgres: { socketDir: string; user: string },
): Promise<DatabaseAddress> {
  const admin = openDatabase(deps, { host: postgres.socketDir, user: postgres.user, database: "postgres" });
  try {
    const found = await admin.query("select 1 from pg_database where datname = $1", [embeddedDatabaseName]);
    if (found.rows.length === 0) await admin.query(`create database ${embeddedDatabaseName}`);
  } finally {
    await admin.close();
  }
  return { host: postgres.socketDir, user: postgres.user, database: embeddedDatabaseName };
}

/** Throws DATABASE_UNFIT for a PostgreSQL that is too old, and for a database whose encoding lacks characters: a prompt or a line of an
 *  engine's log with one of them would fail its task. SQL_ASCII takes all. */
async function expectFit(db: Database): Promise<void> {
  const { rows } = await db.query<{ version: string; encoding: string }>(
    "select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding",
  );
  const { version = "", encoding = "" } = rows[0] ?? {};
  if (Number(version) < oldestPostgres * 10_000) {
    const problem = `The database's PostgreSQL is older than version ${oldestPostgres}.`;
    throw new OperatorError("DATABASE_UNFIT", { problem, remedy: `Name a PostgreSQL ${oldestPostgres} or newer in DATABASE_URL.` });
  }
  if (["UTF8", "SQL_ASCII"].includes(encoding)) return;
  throw new OperatorError("DATABASE_UNFIT", {
    problem: `The database's encoding is ${encoding}, which lacks characters of prompts and logs.`,
    remedy: "Make one with `createdb --encoding=UTF8 --template=template0`, and name it in DATABASE_URL.",
  });
}

/** What the queries are written for. */
const oldestPostgres = 15;

/** Waits until the database answers and takes writes; one of another machine may still be starting, or be promoted.
 *  Throws DATABASE_UNREACHABLE. */
export async function waitForDatabase(deps: { db: Database; log: Log }, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + limits.databaseStartMs;
  while (!(await answers(deps.db, deadline))) {
    deps.log.warn({}, "database.waiting");
    signal?.throwIfAborted();
  }
}

/** False when it may answer later. The query itself tries again and again for a while. */
async function answers(db: Database, deadline: number): Promise<boolean> {
  try {
    const { rows } = await db.query<{ readOnly: string }>(`select current_setting('transaction_read_only') as "readOnly"`);
    if (rows[0]?.readOnly !== "on") return true;
    await delay(limits.databaseRetryMaxMs);
    throw Object.assign(new Error("it takes no writes: it is a standby, or default_transaction_read_only is set"), { code: "25006" });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    if (!isConnectionError(cause) || Date.now() > deadline) throw unreachable(cause);
    return false;
  }
}

/** The address is left out: it may hold a password. */
function unreachable(cause: unknown): OperatorError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new OperatorError(
    "DATABASE_UNREACHABLE",
    { problem: `The database could not be reached: ${reason}.`, remedy: "Check DATABASE_URL and that PostgreSQL runs." },
    { cause },
  );
}
