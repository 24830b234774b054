// How often and how long models ran: read from the tasks, and remembered for a moment.

import type { ModelStatistics } from "@atelier/schema/wire-tool";

import { selectModelStatistics } from "../db/queries/statistics.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";

/** Statistics by clean `owner/slug`; a model that was never run is absent. */
export type ReadStatistics = () => Promise<ReadonlyMap<string, ModelStatistics>>;

/** Anyone may read the catalogue, and counting grows with the number of tasks: the answer is at most
 *  `limits.statisticsMs` old, and any number of readers wait for one count. A count that fails is not remembered.
 *  `clock`: milliseconds; tests pass their own. */
export function openStatistics(deps: { db: Queryable; clock?: () => number }): ReadStatistics {
  const clock = deps.clock ?? Date.now;
  let latest: { readonly at: number; readonly counting: Promise<ReadonlyMap<string, ModelStatistics>> } | undefined;
  return () => {
    if (latest && clock() - latest.at < limits.statisticsMs) return latest.counting;
    const started = { at: clock(), counting: selectModelStatistics(deps.db) };
    latest = started;
    started.counting.catch(() => {
      if (latest === started) latest = undefined;
    });
    return started.counting;
  };
}
