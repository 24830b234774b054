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

/** Ended tasks beyond the bounds, those that ended longest ago first. */
export async function* endedTasksBeyond({ db, signal }: Walk, keep: KeepBounds): AsyncGenerator<readonly EndedTask[]> {
  const upTo = await selectLastBeyond(db, keep);
  let after: EndPlace | undefined;
  while (upTo && signal?.aborted !== true) {
    const page = await selectEndedTasks(db, { after, upTo, most: limits.pruneTasks });
    if (page.length === 0) return;
    yield page;
    after = page.at(-1);
  }
}

/** Ended tasks whose files are beyond so many bytes, counted from the newest task with files: the newest of them first. */
export async function* tasksWithFilesBeyond({ db, signal }: Walk, bytes: number): AsyncGenerator<readonly string[]> {
  let beforeId = largestId;
  let bytesSoFar = 0;
  while (signal?.aborted !== true) {
    const page = await selectTasksWithFiles(db, { beforeId, most: limits.pruneTasks });
    if (page.length === 0) return;
    const beyond = page.filter((task) => (bytesSoFar += task.bytes) > bytes && task.isEnded);
    if (beyond.length > 0) yield beyond.map(({ id }) => id);
    beforeId = page.at(-1)?.id ?? "0";
  }
}

/** PostgreSQL's largest bigint. */
const largestId = "9223372036854775807";
