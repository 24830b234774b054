// Lends a command the database of a data folder: the running server's, or one started for the moment.

import type { Config } from "../config.ts";
import { openDataFolder } from "../data-folder/data-folder.ts";
import { readExistingMasterKey } from "../data-folder/master-key.ts";
import type { ServerRecord } from "../data-folder/server-record.ts";
import { openDatabase } from "../db/database.ts";
import type { Database, DatabaseAddress } from "../db/database.ts";
import { databaseUser } from "../db/embedded/cluster.ts";
import { embeddedDatabaseName, startDatabase } from "../db/start-database.ts";
import type { Log } from "../log.ts";
import { OperatorError } from "../operator-error.ts";
import { checkMasterKey } from "../projects/check-master-key.ts";
import { expectData } from "./expect-data.ts";
import { unlessAborted } from "./interruption.ts";
import { serverOrOwn } from "./server-or-own.ts";

export interface LentDatabase {
  readonly db: Database;
  /** For sessions beside the pool. */
  readonly address: DatabaseAddress;
  readonly masterKey: Buffer;
}

export interface DatabaseDeps {
  readonly config: Config;
  readonly log: Log;
  /** Ends the command: `withDatabase` then gives back what it has and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface LendOptions {
  /** `work` looks at the signal itself, and is waited for. */
  readonly heedsSignal?: boolean;
}

/** Calls `work` with the database of `config.dataDir` and the key that seals its secrets; waits for a server that is
 *  starting or stopping there. Throws COMMAND_FAILED where no data is. */
export async function withDatabase<Result>(
  deps: DatabaseDeps,
  work: (lent: LentDatabase) => Promise<Result>,
  { heedsSignal = false }: LendOptions = {},
): Promise<Result> {
  return lend(deps, heedsSignal ? work : interruptible(deps, work), () => expectData(deps.config));
}

/** The same; data that is missing is made, as a first start of the server does. */
export async function withNewDatabase<Result>(deps: DatabaseDeps, work: (lent: LentDatabase) => Promise<Result>): Promise<Result> {
  return lend(deps, interruptible(deps, work), async () => undefined);
}

function interruptible<Result>({ signal }: DatabaseDeps, work: (lent: LentDatabase) => Promise<Result>): (lent: LentDatabase) => Promise<Result> {
  return (lent) => unlessAborted(signal, () => work(lent));
}

async function lend<Result>(
  deps: DatabaseDeps,
  work: (lent: LentDatabase) => Promise<Result>,
  check: () => Promise<void>,
): Promise<Result> {
  return serverOrOwn(deps.config.dataDir, {
    signal: deps.signal,
    running: (server) => withRunning(deps, server, work),
    async own() {
      await check();
      return withOwn(deps, work);
    },
  });
}

async function withRunning<Result>(
  { config, log }: DatabaseDeps,
  server: ServerRecord,
  work: (lent: LentDatabase) => Promise<Result>,
): Promise<Result> {
  const masterKey = await readExistingMasterKey(config.dataDir, config.masterKey);
  const address = addressOf(config, server);
  const db = openDatabase({ log }, address);
  try {
    await checkMasterKey({ db, masterKey });
    return await work({ db, address, masterKey });
  } finally {
    await db.close();
  }
}

function addressOf(config: Config, server: ServerRecord): DatabaseAddress {
  if (server.socketDir !== null) return { host: server.socketDir, user: databaseUser, database: embeddedDatabaseName };
  if (config.databaseUrl !== undefined) return { connectionString: config.databaseUrl };
  throw new OperatorError("CONFIG_INVALID", {
    problem: "The server on this data folder uses an external PostgreSQL, whose address this command does not know.",
    remedy: "Set the DATABASE_URL that the server has.",
  });
}

async function withOwn<Result>(
  { config, log, signal }: DatabaseDeps,
  work: (lent: LentDatabase) => Promise<Result>,
): Promise<Result> {
  const folder = await openDataFolder(config.dataDir, config.masterKey);
  try {
    const { databaseUrl, postgresRunAs: runAs } = config;
    const database = await startDatabase({ log }, { databaseUrl, folder: folder.path, runAs, ...(signal && { signal }) });
    try {
      const lent = { db: database.db, address: database.address, masterKey: folder.masterKey };
      await checkMasterKey(lent);
      return await work(lent);
    } finally {
      await database.stop();
    }
  } finally {
    await folder.close();
  }
}
