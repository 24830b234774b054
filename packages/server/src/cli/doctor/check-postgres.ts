// The doctor's check of the database: starts the embedded PostgreSQL in a folder of its own, or asks the external one.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Config } from "../../config.ts";
import { openDatabase } from "../../db/database.ts";
import type { Database } from "../../db/database.ts";
import { startEmbeddedPostgres } from "../../db/embedded/embedded-postgres.ts";
import { waitForDatabase } from "../../db/start-database.ts";
import type { Log } from "../../log.ts";
import { OperatorError } from "../../operator-error.ts";
import { failed, ok } from "./check.ts";
import type { Finding } from "./check.ts";

/** Oldest PostgreSQL whose SQL is used, as `server_version_num`. */
const oldestVersion = 150_000;

export async function checkPostgres(deps: { config: Config; log: Log }): Promise<Finding> {
  try {
    const { databaseUrl } = deps.config;
    return databaseUrl === undefined ? await checkEmbedded(deps) : await checkExternal(deps, databaseUrl);
  } catch (error) {
    if (error instanceof OperatorError) return failed("postgres", error.problem, error.remedy);
    const reason = error instanceof Error ? error.message : String(error);
    return failed("postgres", reason, "Check that this user may start programs and write to the temporary folder.");
  }
}

async function checkEmbedded({ config, log }: { config: Config; log: Log }): Promise<Finding> {
  const folder = await mkdtemp(join(tmpdir(), "atelier-doctor-"));
  try {
    const postgres = await startEmbeddedPostgres({ log }, { folder, runAs: config.postgresRunAs });
    const db = openDatabase({ log }, { host: postgres.socketDir, user: postgres.user, database: "postgres" });
    try {
      const { version } = await askVersion(db);
      const how = postgres.runAs === "self" ? "" : `, run as root through: ${postgres.runAs}`;
      return ok("postgres", `embedded PostgreSQL ${version} starts and stops${how}`);
    } finally {
      await db.close();
      await postgres.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Asks, and nothing more: the schema of someone's database is not the doctor's to change. */
async function checkExternal({ log }: { log: Log }, connectionString: string): Promise<Finding> {
  const db = openDatabase({ log }, { connectionString });
  try {
    await waitForDatabase({ db, log });
    const { version, number } = await askVersion(db);
    if (number >= oldestVersion) return ok("postgres", `external PostgreSQL ${version} answers`);
    return failed("postgres", `external PostgreSQL ${version} is too old`, "Use PostgreSQL 15 or newer.");
  } finally {
    await db.close();
  }
}

async function askVersion(db: Database): Promise<{ version: string; number: number }> {
  const { rows } = await db.query<{ version: string; number: number }>(
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as number`,
  );
  return rows[0] ?? { version: "unknown", number: 0 };
}
