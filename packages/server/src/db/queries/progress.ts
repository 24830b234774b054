// The newest progress of a task, from its event log.

import type { Queryable } from "../queryable.ts";

export interface ProgressRow {
  /** Steps finished and steps in all, over all pictures of the run. */
  readonly step: number;
  readonly stepTotal: number;
  readonly secondsPerStep: number;
}

/** Progress of the present attempt, or undefined before its first step. */
export async function selectProgress(db: Queryable, taskId: string): Promise<ProgressRow | undefined> {
  const { rows } = await db.query<{ data: ProgressRow }>(
    `select e.data from task_events e join tasks t on t.id = e.task_id and t.attempt = e.attempt
     where e.task_id = $1 and e.type = 'task_output' and e.data ? 'stepTotal'
     order by e.seq desc limit 1`,
    [taskId],
  );
  const { step, stepTotal, secondsPerStep } = rows[0]?.data ?? {};
  if (step === undefined || stepTotal === undefined) return undefined;
  return { step, stepTotal, secondsPerStep: secondsPerStep ?? 0 };
}
