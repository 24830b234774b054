// Returns the tasks of workers that died to the queue. Any server may do it: the statement decides.
//
// Not at once where nobody may have taken heartbeats: while the database was away, or no server ran, leases run out of workers that
// live. They get the time of a lease to be heard; without it a failover restarted every task that ran.

import { failLostTasks, rescueTasks } from "../db/queries/leases.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { periodically } from "./periodically.ts";
import type { Upkeep } from "./periodically.ts";

/** A pass resolves to the number of tasks returned to the queue or ended. `clock`: milliseconds; tests pass their own. */
export function startRescue(deps: { db: Queryable; log: Log }, clock: () => number = () => performance.now()): Upkeep {
  let answeredMs = -Infinity;
  let fromMs = 0;
  const pass = async (): Promise<number> => {
    await deps.db.query("select 1");
    const now = clock();
    if (now - answeredMs > limits.rescueAwayMs) fromMs = now + limits.leaseMs;
    answeredMs = now;
    if (now < fromMs) return 0;
    const bounds = { lostLeases: limits.lostLeases, most: limits.rescueBatch, leaseMs: limits.leaseMs };
    const failed = await failLostTasks(deps.db, bounds);
    const rescued = await rescueTasks(deps.db, bounds);
    if (failed + rescued > 0) deps.log.warn({ failed, rescued }, "tasks.rescued");
    return failed + rescued;
  };
  return periodically(deps, { name: "rescue", everyMs: limits.rescueMs, pass });
}
