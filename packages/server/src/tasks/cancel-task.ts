// Cancel: ends a task that still waits in the queue.

import { cancelWaitingTask } from "../db/queries/endings.ts";
import type { Queryable } from "../db/queryable.ts";
import { AtelierError } from "../errors.ts";
import { findTask } from "./find-task.ts";
import type { Task, TaskReference } from "../db/task.ts";

/** Cancels and returns the task as it then is.
 *  Throws TASK_NOT_FOUND, or TASK_NOT_CANCELLABLE once a worker has it or it has ended. */
export async function cancelTask(deps: { db: Queryable }, reference: TaskReference): Promise<Task> {
  const task = await findTask(deps, reference);
  if (!task) throw new AtelierError("TASK_NOT_FOUND");
  if (!(await cancelWaitingTask(deps.db, task.id))) throw new AtelierError("TASK_NOT_CANCELLABLE");
  const cancelled = await findTask(deps, reference);
  if (!cancelled) throw new AtelierError("TASK_NOT_FOUND");
  return cancelled;
}
