// Statements on the record of what was done to projects and keys.

import type { Queryable } from "../queryable.ts";

export interface AuditEvent {
  readonly projectId: string;
  /** Who: `cli:` and the user's name, or `server`. */
  readonly actor: string;
  /** What, as in `key.rotated`. */
  readonly action: string;
  /** Ids, names and settings. Never a secret. */
  readonly details: Readonly<Record<string, unknown>>;
}

export async function insertAuditEvent(tx: Queryable, event: AuditEvent): Promise<void> {
  await tx.query(`insert into audit_events (project_id, actor, action, details) values ($1, $2, $3, $4)`, [
    event.projectId,
    event.actor,
    event.action,
    JSON.stringify(event.details),
  ]);
}

export interface AuditRow extends AuditEvent {
  readonly id: string;
  readonly createdAt: Date;
}

/** A project's events, the newest first. */
export async function selectAuditEvents(db: Queryable, page: { projectId: string; rows: number }): Promise<AuditRow[]> {
  const { rows } = await db.query<AuditRow>(
    `select id, created_at as "createdAt", project_id as "projectId", actor, action, details
       from audit_events where project_id = $1 order by id desc limit $2`,
    [page.projectId, page.rows],
  );
  return rows;
}
