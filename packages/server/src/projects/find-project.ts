// Finds the project behind an api key.

import { selectProjectByKey } from "../db/queries/projects.ts";
import type { ProjectRow } from "../db/queries/projects.ts";
import type { Queryable } from "../db/queryable.ts";
import { openSecret } from "./seal-secret.ts";

/** `auth` says which of the two ways of authentication a project has, for life. */
export type Project = ProjectRow;

/** The project and the secret that signs for it (null for key-only projects), or undefined for an unknown or revoked key. */
export async function findProjectByKey(
  deps: { db: Queryable; masterKey: Buffer },
  apiKey: string,
): Promise<{ project: Project; secret: string | null } | undefined> {
  // PostgreSQL's text holds no NUL; such a key is unknown like any other.
  if (apiKey.includes("\0")) return undefined;
  const row = await selectProjectByKey(deps.db, apiKey);
  if (!row) return undefined;
  const { secretSealed, ...project } = row;
  return { project, secret: secretSealed && openSecret(deps.masterKey, apiKey, secretSealed) };
}
