// Where the reports of all workers of a process meet: those that come while a statement is under way share the next one.

import { gather } from "../db/gather.ts";
import type { Fence, FencedMoves, Finish } from "../db/queries/moves.ts";
import { selectAttempt } from "../db/queries/moves.ts";
import { finishTasks, moveTasks } from "../db/queries/moves-of-many.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import { certainly } from "./certainly.ts";

export interface ReportLine {
  /** Moves a task on by all of its steps. False, with nothing changed, when fence or status do not match. One call of a task at
   *  a time. Throws SERVER_UNAVAILABLE when the database stays away. */
  move(report: FencedMoves): Promise<boolean>;
  /** Ends a task well, after its last steps. False: fence lost. Throws as `move` does. */
  finish(fence: Fence, finish: Finish): Promise<boolean>;
}

export function openReportLine({ db }: { db: Queryable }): ReportLine {
  const line = { atOnce: limits.reportStatements, most: limits.reportBatch };
  const move = gather((reports: readonly FencedMoves[]) => moveTasks(db, reports), line);
  const finish = gather((ends: readonly { fence: Fence; finish: Finish }[]) => finishTasks(db, ends), line);
  return {
    move: (report) =>
      certainly(
        () => move(report),
        async () => {
          const now = await selectAttempt(db, report.fence);
          return now?.workerId === report.fence.workerId && now.status === report.moves.at(-1)?.to;
        },
      ),
    finish: (fence, end) =>
      certainly(
        () => finish({ fence, finish: end }),
        async () => (await selectAttempt(db, fence))?.pexit === "0",
      ),
  };
}
