// Changes how much a project may use, and writes down who changed it.

import type { Database } from "../db/database.ts";
import { insertAuditEvent } from "../db/queries/audit.ts";
import {
  lockProjectLedger,
  selectProjectUsage,
  updateBudget,
  updateTaskLimits,
} from "../db/queries/project-limits.ts";
import type { ProjectUsage, TaskLimits } from "../db/queries/project-limits.ts";
import type { Queryable } from "../db/queryable.ts";
import { OperatorError } from "../operator-error.ts";

export interface LimitDeps {
  readonly db: Pick<Database, "query" | "transaction">;
  /** Who does it; default `server`. */
  readonly actor?: string;
}

/** `running`: tasks that workers may hold at once, the others wait. `waiting`: tasks that may wait beside them, then Run is
 *  refused. Null takes a limit away, undefined leaves it. Throws COMMAND_FAILED for limits under which nothing could run. */
export async function changeTaskLimits(
  deps: LimitDeps,
  projectId: string,
  change: { readonly [Name in keyof TaskLimits]?: TaskLimits[Name] | undefined },
): Promise<ProjectUsage> {
  return changing(deps, projectId, { action: "project.limits_changed", details: change }, async (tx, project) => {
    const next = {
      running: change.running === undefined ? project.running : change.running,
      waiting: change.waiting === undefined ? project.waiting : change.waiting,
    };
    if (next.running === null && next.waiting === 0) {
      throw failed(
        "A project without a limit of running tasks whose tasks may not wait could run nothing: every task waits for a moment.",
        "Give it a limit of running tasks, too: --running 1 --waiting 0.",
      );
    }
    await updateTaskLimits(tx, projectId, next);
  });
}

/** `budget`: US dollars in decimal; null takes it away. Once the ledger reaches it, Run is refused and nothing that waits is
 *  started. */
export async function changeBudget(deps: LimitDeps, projectId: string, budget: string | null): Promise<ProjectUsage> {
  return changing(deps, projectId, { action: "project.budget_changed", details: { budget } }, async (tx) =>
    updateBudget(tx, projectId, budget),
  );
}

/** Throws COMMAND_FAILED when there is no such project. */
export async function readProjectUsage(deps: { db: Queryable }, projectId: string): Promise<ProjectUsage> {
  const usage = await selectProjectUsage(deps.db, projectId);
  if (!usage) throw failed(`There is no project ${projectId}.`, "`atelier project list` shows all.");
  return usage;
}

async function changing(
  { db, actor = "server" }: LimitDeps,
  projectId: string,
  event: { readonly action: string; readonly details: Readonly<Record<string, unknown>> },
  work: (tx: Queryable, project: ProjectUsage) => Promise<void>,
): Promise<ProjectUsage> {
  return db.transaction(async (tx) => {
    await lockProjectLedger(tx, projectId);
    await work(tx, await readProjectUsage({ db: tx }, projectId));
    await insertAuditEvent(tx, { projectId, actor, ...event });
    return readProjectUsage({ db: tx }, projectId);
  });
}

function failed(problem: string, remedy: string): OperatorError {
  return new OperatorError("COMMAND_FAILED", { problem, remedy });
}
