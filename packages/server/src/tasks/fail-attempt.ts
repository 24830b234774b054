// What becomes of a task whose attempt failed: an engine's crash returns it to the queue, but not for ever.

import { failTask, returnTask, selectAttempt } from "../db/queries/moves.ts";
import type { Fence } from "../db/queries/moves.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import type { FailedRun } from "./task-source.ts";

/** Ends the task, or returns it to the queue when it may be tried again and its engines failed fewer times than
 *  `limits.engineFailures`. False: fence lost. */
export async function failAttempt(db: Queryable, fence: Fence, { mayRetry, debugError, debugOutput }: FailedRun): Promise<boolean> {
  if (!mayRetry) return failTask(db, fence, { pexit: "1", debugError, debugOutput });
  const failures = ((await selectAttempt(db, fence))?.engineFailures ?? 0) + 1;
  if (failures < limits.engineFailures) return returnTask(db, fence, { engineFailed: true, debugError });
  const last = `ENGINE_FAILED ${failures} times; the last: ${debugError}`;
  return failTask(db, fence, { pexit: "1", debugError: last, debugOutput });
}
