// Statements on what a project may use, and what it has used.

import type { Queryable } from "../queryable.ts";

/** Null: no limit. */
export interface TaskLimits {
  readonly running: number | null;
  readonly waiting: number | null;
}

export async function updateTaskLimits(tx: Queryable, projectId: string, limits: TaskLimits): Promise<void> {
  await tx.query(`update projects set running_limit = $2, waiting_limit = $3 where id = $1`, [
    projectId,
    limits.running,
    limits.waiting,
  ]);
}

/** Keeps everybody from ending a task of the project well until the transaction ends: whoever writes a ledger line holds
 *  the project's row. */
export async function lockProjectLedger(tx: Queryable, projectId: string): Promise<void> {
  await tx.query(`select id from projects where id = $1 for update`, [projectId]);
}

/** With `lockProjectLedger`. The sum is taken anew, for it is kept only while there is a budget. */
export async function updateBudget(tx: Queryable, projectId: string, budget: string | null): Promise<void> {
  await tx.query(`update projects set budget = $2 where id = $1`, [projectId, budget]);
  await tx.query(
    `update project_usage set spent = (select coalesce(sum(amount), 0) from ledger where project_id = $1) where project_id = $1`,
    [projectId],
  );
}

export interface ProjectUsage extends TaskLimits {
  readonly id: string;
  readonly name: string;
  /** US dollars; null: none. */
  readonly budget: string | null;
  /** The sum of the project's ledger. */
  readonly spent: string;
  /** What is left of the budget, not below zero; null without a budget. */
  readonly left: string | null;
  /** Tasks in the queue, in workers' hands, and ended well so far. */
  readonly waitingTasks: number;
  readonly runningTasks: number;
  readonly billedTasks: number;
}

export async function selectProjectUsage(db: Queryable, projectId: string): Promise<ProjectUsage | undefined> {
  const { rows } = await db.query<ProjectUsage>(
    `select p.id, p.name, p.running_limit as running, p.waiting_limit as waiting, p.budget, l.spent,
            case when p.budget is not null then greatest(p.budget - l.spent, 0) end as left, l.lines::int as "billedTasks",
            (select count(*)::int from tasks where phase = 'waiting' and project_id = p.id) as "waitingTasks",
            (select count(*)::int from tasks where phase = 'leased' and project_id = p.id) as "runningTasks"
       from projects p, lateral (
         select coalesce(sum(amount), 0)::numeric(24, 12) as spent, count(*) as lines from ledger where project_id = p.id) l
      where p.id = $1`,
    [projectId],
  );
  return rows[0];
}
