// Statements on projects.

import type { Queryable } from "../queryable.ts";

export type ProjectAuth = "signature" | "key";

export interface ProjectRow {
  readonly id: string;
  readonly uuid: string;
  readonly name: string;
  readonly auth: ProjectAuth;
}

export interface NewProject {
  readonly uuid: string;
  readonly name: string;
  readonly auth: ProjectAuth;
}

/** Returns the project's id. */
export async function insertProject(db: Queryable, project: NewProject): Promise<string> {
  const { rows } = await db.query<{ id: string }>(`insert into projects (uuid, name, auth) values ($1, $2, $3) returning id`, [
    project.uuid,
    project.name,
    project.auth,
  ]);
  const row = rows[0];
  if (!row) throw new Error("insert into projects returned no row");
  return row.id;
}

/** Keeps other commands that would take this name waiting until the transaction ends. */
export async function lockProjectName(tx: Queryable, name: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock('projects'::regclass::oid::int, hashtext($1))`, [name]);
}
