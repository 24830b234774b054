// Ends tasks that waited or ran for longer than their model allows. Any server may do it: the statement decides.

import { cancelOverdueTasks, killOverdueTasks } from "../db/queries/deadlines.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { periodically } from "./periodically.ts";
import type { Upkeep } from "./periodically.ts";

/** A pass resolves to the number of tasks ended. */
export function startDeadlines(deps: { db: Queryable; log: Log }): Upkeep {
  const pass = async (): Promise<number> => {
    const cancelled = await cancelOverdueTasks(deps.db, limits.deadlineBatch);
    const killed = await killOverdueTasks(deps.db, limits.deadlineBatch);
    if (cancelled + killed > 0) deps.log.info({ cancelled, killed }, "tasks.overdue");
    return cancelled + killed;
  };
  return periodically(deps, { name: "deadlines", everyMs: limits.deadlineMs, pass });
}
