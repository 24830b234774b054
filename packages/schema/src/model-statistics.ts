// The statistics of a model that had other names before: those of all its names together.

import { noStatistics } from "./wire-tool.ts";
import type { ModelStatistics } from "./wire-tool.ts";

/** `statistics`: by clean `owner/slug`; a name under which nothing was run is absent. */
export function statisticsOfNames(names: readonly string[], statistics: ReadonlyMap<string, ModelStatistics>): ModelStatistics {
  const found = names.flatMap((name) => statistics.get(name) ?? []);
  return found.length > 1 ? found.reduce(sum) : (found[0] ?? noStatistics);
}

function sum(one: ModelStatistics, other: ModelStatistics): ModelStatistics {
  const successCount = one.successCount + other.successCount;
  const seconds = [one, other].reduce((total, { meanElapsedSeconds, successCount: count }) => total + Number(meanElapsedSeconds ?? 0) * count, 0);
  const lastRuns = [one.lastRunAt, other.lastRunAt].filter((moment) => moment !== null).map(Number);
  return {
    runCount: one.runCount + other.runCount,
    successCount,
    errorCount: one.errorCount + other.errorCount,
    lastRunAt: lastRuns.length > 0 ? new Date(Math.max(...lastRuns)) : null,
    // Four places, as the database gives them.
    meanElapsedSeconds: successCount > 0 ? (seconds / successCount).toFixed(4) : null,
  };
}
