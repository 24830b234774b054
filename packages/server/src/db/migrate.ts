// Brings a database to the schema of this version: numbered SQL files, each once, in order, under one lock.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Log } from "../log.ts";
import { OperatorError } from "../operator-error.ts";
import type { Database } from "./database.ts";
import type { Queryable } from "./queryable.ts";
import { withoutTimeouts } from "./session.ts";

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

/** Any fixed number of ours: two servers that start at once migrate one after the other. */
const migrationLock = 7_203_184_411;

/** Applies what is missing, all in one transaction. Returns the versions applied.
 *  Throws DATABASE_NEWER when the database knows a later version, MIGRATION_ALTERED when an applied file has changed. */
export async function migrate(
  deps: { db: Database; log: Log },
  migrations?: readonly Migration[],
): Promise<number[]> {
  const known = migrations ?? (await readMigrations());
  return deps.db.transaction(async (tx) => {
    await tx.query(withoutTimeouts("transaction"));
    await tx.query("select pg_advisory_xact_lock($1)", [migrationLock]);
    await tx.query(
      `create table if not exists schema_migrations (
         version integer primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now())`,
    );
    const applied = await tx.query<AppliedRow>("select version, sha256 from schema_migrations order by version");
    const missing = missingMigrations(known, applied.rows);
    for (const migration of missing) {
      await apply(tx, migration);
      deps.log.info({ version: migration.version, name: migration.name }, "database.migrated");
    }
    return missing.map((migration) => migration.version);
  });
}

interface AppliedRow {
  readonly version: number;
  readonly sha256: string;
}

/** The migrations of this version, from `src/db/migrations` of this package: tsc copies no SQL, so dist reads them there. */
export async function readMigrations(): Promise<Migration[]> {
  const folder = fileURLToPath(new URL("../../src/db/migrations", import.meta.url));
  const names = (await readdir(folder)).filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(folder, name), "utf8");
      return { version: Number(name.slice(0, 4)), name, sql, sha256: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

/** What is left to apply. Pure; throws as `migrate` says. */
export function missingMigrations(known: readonly Migration[], applied: readonly AppliedRow[]): Migration[] {
  const byVersion = new Map(known.map((migration) => [migration.version, migration]));
  for (const { version, sha256 } of applied) {
    const migration = byVersion.get(version);
    if (!migration) {
      throw new OperatorError("DATABASE_NEWER", {
        problem: `The database has schema version ${version}, which this version of Atelier does not know.`,
        remedy: "Update Atelier, or use the database or data folder that belongs to this version.",
      });
    }
    if (migration.sha256 !== sha256) {
      throw new OperatorError("MIGRATION_ALTERED", {
        problem: `The migration ${migration.name} was changed after it had been applied to this database.`,
        remedy: "Restore the file, and put changes of the schema into a new migration.",
      });
    }
  }
  const done = new Set(applied.map((row) => row.version));
  return known.filter((migration) => !done.has(migration.version));
}

async function apply(tx: Queryable, migration: Migration): Promise<void> {
  await tx.query(migration.sql);
  await tx.query("insert into schema_migrations (version, name, sha256) values ($1, $2, $3)", [
    migration.version,
    migration.name,
    migration.sha256,
  ]);
}
