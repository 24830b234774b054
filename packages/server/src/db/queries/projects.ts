// Statements on projects and their keys.

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
  readonly apiKey: string;
  /** Sealed; null for key-only projects. */
  readonly secretSealed: Buffer | null;
}

/** Writes a project and its first key in one statement. Returns the project's id. */
export async function insertProject(db: Queryable, project: NewProject): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `with project as (insert into projects (uuid, name, auth) values ($1, $2, $3) returning id),
          key as (insert into api_keys (api_key, project_id, secret_sealed) select $4, id, $5 from project)
     select id from project`,
    [project.uuid, project.name, project.auth, project.apiKey, project.secretSealed],
  );
  const row = rows[0];
  if (!row) throw new Error("insert into projects returned no row");
  return row.id;
}

/** The project of a key that was not revoked, with the key's sealed secret. */
export async function selectProjectByKey(
  db: Queryable,
  apiKey: string,
): Promise<(ProjectRow & { secretSealed: Buffer | null }) | undefined> {
  const { rows } = await db.query<ProjectRow & { secretSealed: Buffer | null }>(
    `select p.id, p.uuid, p.name, p.auth, k.secret_sealed as "secretSealed"
     from api_keys k join projects p on p.id = k.project_id
     where k.api_key = $1 and k.revoked_at is null`,
    [apiKey],
  );
  return rows[0];
}

/** Any one sealed secret with its key, or undefined when there is none. */
export async function selectSealedSecret(
  db: Queryable,
): Promise<{ apiKey: string; secretSealed: Buffer } | undefined> {
  const { rows } = await db.query<{ apiKey: string; secretSealed: Buffer }>(
    `select api_key as "apiKey", secret_sealed as "secretSealed" from api_keys
     where secret_sealed is not null order by created_at desc limit 1`,
  );
  return rows[0];
}
