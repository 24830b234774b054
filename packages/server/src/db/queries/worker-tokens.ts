// Statements on the tokens of remote workers.

import { leasedStatuses } from "@atelier/schema/status";

import type { Queryable } from "../queryable.ts";

export interface WorkerTokenRow {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

const columns = `id, name, created_at as "createdAt", last_used_at as "lastUsedAt", revoked_at as "revokedAt"`;

/** Returns the new token's id, or undefined when the name is taken. */
export async function insertWorkerToken(db: Queryable, token: { name: string; secretHash: Buffer }): Promise<string | undefined> {
  const { rows } = await db.query<{ id: string }>(
    `insert into worker_tokens (name, secret_hash) values ($1, $2) on conflict (name) do nothing returning id`,
    [token.name, token.secretHash],
  );
  return rows[0]?.id;
}

/** All of them, revoked ones too, the oldest first. */
export async function selectWorkerTokens(db: Queryable): Promise<WorkerTokenRow[]> {
  return (await db.query<WorkerTokenRow>(`select ${columns} from worker_tokens order by id`)).rows;
}

export async function selectWorkerToken(
  db: Queryable,
  id: string,
): Promise<(WorkerTokenRow & { readonly secretHash: Buffer }) | undefined> {
  const { rows } = await db.query<WorkerTokenRow & { secretHash: Buffer }>(
    `select ${columns}, secret_hash as "secretHash" from worker_tokens where id = $1`,
    [id],
  );
  return rows[0];
}

/** Notes that a token was used, at most once a minute. */
export async function touchWorkerToken(db: Queryable, id: string): Promise<void> {
  await db.query(
    `update worker_tokens set last_used_at = now()
      where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
    [id],
  );
}

/** False when there is no such token. Revoking again changes nothing. */
export async function revokeWorkerTokenRow(db: Queryable, name: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update worker_tokens set revoked_at = coalesce(revoked_at, now()) where name = $1`,
    [name],
  );
  return rowCount === 1;
}

/** The attempts that are leased to a worker. */
export async function selectLeasesOf(db: Queryable, workerId: string): Promise<{ taskId: string; attempt: number }[]> {
  const { rows } = await db.query<{ taskId: string; attempt: number }>(
    `select id as "taskId", attempt from tasks where worker_id = $1 and status = any($2)`,
    [workerId, leasedStatuses],
  );
  return rows;
}
