// Statements about the secrets that sign a project's callbacks.

import type { Queryable } from "../queryable.ts";

export interface SealedWebhookSecret {
  /** A UUID; the seal is bound to it. */
  readonly id: string;
  readonly sealed: Buffer;
}

/** The project's live secrets, the current one first. */
export async function selectWebhookSecrets(db: Queryable, projectId: string): Promise<SealedWebhookSecret[]> {
  const { rows } = await db.query<SealedWebhookSecret>(
    `select id, secret_sealed as sealed from webhook_secrets where project_id = $1 order by position`,
    [projectId],
  );
  return rows;
}

/** Stores a current secret unless the project has one, or does not exist. Of two servers that do it at once, one stores. */
export async function insertCurrentWebhookSecret(db: Queryable, projectId: string, secret: SealedWebhookSecret): Promise<void> {
  await db.query(
    `insert into webhook_secrets (project_id, position, id, secret_sealed)
     select id, 'current', $2, $3 from projects where id = $1
     on conflict (project_id, position) do nothing`,
    [projectId, secret.id, secret.sealed],
  );
}

/** Keeps other rotations of this project out until the transaction ends. False when there is no such project. */
export async function lockProject(tx: Queryable, projectId: string): Promise<boolean> {
  const { rowCount } = await tx.query(`select id from projects where id = $1 for update`, [projectId]);
  return rowCount === 1;
}

export async function deletePreviousWebhookSecret(tx: Queryable, projectId: string): Promise<void> {
  await tx.query(`delete from webhook_secrets where project_id = $1 and position = 'previous'`, [projectId]);
}

export async function makeWebhookSecretPrevious(tx: Queryable, projectId: string): Promise<void> {
  await tx.query(`update webhook_secrets set position = 'previous' where project_id = $1 and position = 'current'`, [projectId]);
}
