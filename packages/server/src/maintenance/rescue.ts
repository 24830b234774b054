// Returns the tasks of workers that died to the queue. Any server may do it: the statement decides.

import { failLostTasks, rescueTasks } from "../db/queries/leases.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";

export interface Rescue {
  /** One pass; resolves to the number of tasks returned to the queue or ended. */
  runOnce(): Promise<number>;
  stop(): Promise<void>;
}

export function startRescue(deps: { db: Queryable; log: Log }): Rescue {
  let running: Promise<number> | undefined;
  const pass = async (): Promise<number> => {
    const bounds = { lostLeases: limits.lostLeases, most: limits.rescueBatch };
    const failed = await failLostTasks(deps.db, bounds);
    const rescued = await rescueTasks(deps.db, bounds);
    if (failed + rescued > 0) deps.log.warn({ failed, rescued }, "tasks.rescued");
    return failed + rescued;
  };
  const runOnce = (): Promise<number> => (running ??= pass().finally(() => (running = undefined)));
  const timer = setInterval(() => {
    runOnce().catch((error: unknown) => deps.log.warn({ err: error }, "rescue.failed"));
  }, limits.rescueMs);
  return {
    runOnce,
    async stop() {
      clearInterval(timer);
      await running?.catch(() => undefined); // already logged by the pass that failed
    },
  };
}
