// Counts and means over tasks, for the catalogue.

import type { ModelStatistics } from "@atelier/schema/wire-tool";

import type { Queryable } from "../queryable.ts";

interface StatisticsRow {
  model: string;
  run_count: string;
  success_count: string;
  error_count: string;
  last_run_at: Date;
  mean_elapsed_seconds: string | null;
}

/** The statistics of every model that was ever run, by clean `owner/slug`, over the tasks of all projects.
 *  Ended tasks come from the index `tasks_ended` alone, the others from the two small indexes on open tasks: reading the
 *  table instead would read its wide rows (input, logs, provenance) for four numbers each. */
export async function selectModelStatistics(db: Queryable): Promise<Map<string, ModelStatistics>> {
  const { rows } = await db.query<StatisticsRow>(
    `select model, sum(runs) as run_count, sum(successes) as success_count, sum(errors) as error_count,
            max(last_run_at) as last_run_at,
            round(sum(seconds) / nullif(sum(successes), 0), 4)::text as mean_elapsed_seconds
       from (
         select model, count(*) as runs, count(*) filter (where pexit = '0') as successes,
                count(*) filter (where phase = 'finished' and pexit is distinct from '0') as errors,
                coalesce(sum(elapsed_seconds) filter (where pexit = '0'), 0) as seconds, max(created_at) as last_run_at
           from tasks where phase in ('finished', 'cancelled') group by model
         union all
         select model, count(*), 0, 0, 0, max(created_at) from tasks where phase = 'waiting' group by model
         union all
         select model, count(*), 0, 0, 0, max(created_at) from tasks where phase = 'leased' group by model
       ) as parts
      group by model`,
  );
  return new Map(rows.map((row) => [row.model, statisticsFrom(row)]));
}

function statisticsFrom(row: StatisticsRow): ModelStatistics {
  return {
    runCount: Number(row.run_count),
    successCount: Number(row.success_count),
    errorCount: Number(row.error_count),
    lastRunAt: row.last_run_at,
    meanElapsedSeconds: row.mean_elapsed_seconds,
  };
}
