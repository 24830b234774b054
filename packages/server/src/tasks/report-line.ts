// Where the reports of all workers of a process meet: those that come while a statement is under way share the next one.

import { gather } from "../db/gather.ts";
import type { Fence, Finish, Move } from "../db/queries/moves.ts";
import { selectAttempt } from "../db/queries/moves.ts";
import { finishTasks, moveTasks } from "../db/queries/moves-of-many.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import { certainly } from "./certainly.ts";

export interface FencedReport {
  readonly fence: Fence;
  readonly moves: Iterable<Move>;
  /** The task's last event when they were sent, so that they are written once; undefined: where it stands. */
  readonly afterSeq?: number | undefined;
}

export interface ReportLine {
  /** Moves a task on by all of its steps, which are read when their statement begins. False, with nothing changed, when fence or
   *  status do not match. One call of a task at a time. Throws SERVER_UNAVAILABLE when the database stays away. */
  move(report: FencedReport): Promise<boolean>;
  /** Ends a task well, after its last steps. False: fence lost. Throws as `move` does. */
  finish(fence: Fence, finish: Finish): Promise<boolean>;
}

export interface ReportLineDeps {
  readonly db: Queryable;
  /** Waits before a write whose outcome is unknown is asked for again. Default: that of `certainly`. */
  readonly pause?: () => Promise<unknown>;
}

export function openReportLine({ db, pause }: ReportLineDeps): ReportLine {
  const line = { atOnce: limits.reportStatements, most: limits.reportBatch, waiting: limits.gatheredCalls };
  let ending: Promise<unknown> = Promise.resolve();
  const finish = gather(
    (ends: readonly { fence: Fence; finish: Finish }[]) => {
      const ended = finishTasks(db, ends);
      ending = ended.catch(() => undefined); // `ended` is the gatherer's to handle
      return ended;
    },
    line,
    taskOf,
  );
  const move = gather(
    async (reports: readonly Waiting[]) => {
      // Short runs are over by then, and their reports go with their end instead of taking a statement of their own beside the busy
      // one. For one statement at most: long runs report while others end.
      await ending;
      return moveWaiting(db, reports);
    },
    line,
    taskOf,
  );
  return {
    move({ fence, moves, afterSeq }) {
      let taken: readonly Move[] | undefined;
      const take = (): readonly Move[] => (taken ??= [...moves]);
      return certainly(
        () => move({ fence, take, afterSeq }),
        async () => {
          const now = await selectAttempt(db, fence);
          if (now?.workerId !== fence.workerId) return false;
          return afterSeq === undefined ? now.status === take().at(-1)?.to : now.lastEventSeq >= afterSeq + take().length;
        },
        pause,
      );
    },
    finish: (fence, end) =>
      certainly(
        () => finish({ fence, finish: end }),
        async () => (await selectAttempt(db, fence))?.pexit === "0",
        pause,
      ),
  };
}

/** One of a task at a time: a repetition that comes while the first try waits sees what that one did. */
function taskOf({ fence }: { readonly fence: Fence }): string {
  return fence.taskId;
}

interface Waiting {
  readonly fence: Fence;
  /** The same at every call. */
  readonly take: () => readonly Move[];
  readonly afterSeq: number | undefined;
}

async function moveWaiting(db: Queryable, reports: readonly Waiting[]): Promise<boolean[]> {
  const taken = reports.map(({ fence, take, afterSeq }) => ({ fence, moves: take(), afterSeq }));
  const some = taken.filter(({ moves }) => moves.length > 0);
  const moved = new Map((some.length > 0 ? await moveTasks(db, some) : []).map((isMoved, at) => [some[at], isMoved]));
  return taken.map((report) => moved.get(report) ?? true);
}
