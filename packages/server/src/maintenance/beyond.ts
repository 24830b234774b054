// Walks what is beyond the limits of retention, page by page, so that no statement takes longer the more there is.

import { selectEndedTasks, selectLastBeyond, selectTasksWithFiles } from "../db/queries/retention.ts";
import type { EndedTask, EndPlace, KeepBounds } from "../db/queries/retention.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";

interface Walk {
  readonly db: Queryable;
  /** Aborting it ends the walk after the page that is under way. */
  readonly signal?: AbortSignal;
}

/** Ended tasks beyond the bounds, those that ended longest ago first. With a `trail` only those behind it, and it follows. */
export async function* endedTasksBeyond({ db, signal }: Walk, keep: KeepBounds, trail?: Trail): AsyncGenerator<readonly EndedTask[]> {
  const upTo = await selectLastBeyond(db, keep);
  let after = trail?.begin();
  while (upTo && signal?.aborted !== true) {
    const page = await selectEndedTasks(db, { after, upTo, most: limits.pruneTasks });
    if (page.length === 0) return;
    yield page;
    trail?.follow(page);
    after = page.at(-1);
  }
}

/** Up to where nothing is left to remove of tasks whose records stay, so that a server does not look at them all in every pass. It
 *  is forgotten with its process: the first pass of a server walks all. */
export class Trail {
  #done: EndPlace | undefined;
  #isBroken = false;

  /** Where a pass begins. */
  begin(): EndPlace | undefined {
    this.#isBroken = false;
    return this.#done;
  }

  /** Not past a task that is not over, nor past the newest ends: one that was committed late may come before them. */
  follow(page: readonly EndedTask[]): void {
    const settledBefore = Date.now() - limits.pruneSettleMs;
    for (const task of page) {
      this.#isBroken ||= task.isAwaited || Date.parse(task.endedAt) > settledBefore;
      if (this.#isBroken) return;
      this.#done = { endedAt: task.endedAt, id: task.id };
    }
  }
}

/** Ended tasks whose files are beyond so many bytes, counted from the newest task with files, and which no other task needs: the newest of
 *  them first. */
export async function* tasksWithFilesBeyond({ db, signal }: Walk, bytes: number): AsyncGenerator<readonly string[]> {
  let beforeId = largestId;
  let bytesSoFar = 0;
  while (signal?.aborted !== true) {
    const page = await selectTasksWithFiles(db, { beforeId, most: limits.pruneTasks });
    if (page.length === 0) return;
    const beyond = page.filter((task) => (bytesSoFar += task.bytes) > bytes && task.isOver);
    if (beyond.length > 0) yield beyond.map(({ id }) => id);
    beforeId = page.at(-1)?.id ?? "0";
  }
}

/** PostgreSQL's largest bigint. */
const largestId = "9223372036854775807";
