// Returns the tasks of workers that died to the queue. Any server may do it: the statement decides.

import { failLostTasks, rescueTasks } from "../db/queries/leases.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { periodically } from "./periodically.ts";
import type { Upkeep } from "./periodically.ts";

/** A pass resolves to the number of tasks returned to the queue or ended. */
export function startRescue(deps: { db: Queryable; log: Log }): Upkeep {
  const pass = async (): Promise<number> => {
    const bounds = { lostLeases: limits.lostLeases, most: limits.rescueBatch, leaseMs: limits.leaseMs };
    const failed = await failLostTasks(deps.db, bounds);
    const rescued = await rescueTasks(deps.db, bounds);
    if (failed + rescued > 0) deps.log.warn({ failed, rescued }, "tasks.rescued");
    return failed + rescued;
  };
  return periodically(deps, { name: "rescue", everyMs: limits.rescueMs, pass });
}
