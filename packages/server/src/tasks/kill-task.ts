// Kill: ends a task that a worker holds, whatever it is doing.

import { isTerminal } from "@atelier/schema/status";

import { killLeasedTask } from "../db/queries/endings.ts";
import type { Queryable } from "../db/queryable.ts";
import { AtelierError } from "../errors.ts";
import { findTask } from "./find-task.ts";
import type { Task, TaskReference } from "../db/task.ts";

/** Kills and returns the task as it then is: `task_cancel`, pexit "137", no outputs, no cost. The engine stops within a
 *  step; whatever its worker still reports changes nothing.
 *  Throws TASK_NOT_FOUND, or TASK_NOT_KILLABLE while it waits or once it has ended. */
export async function killTask(deps: { db: Queryable }, reference: TaskReference): Promise<Task> {
  const task = await findTask(deps, reference);
  if (!task) throw new AtelierError("TASK_NOT_FOUND");
  const killed = await killLeasedTask(deps.db, task.id);
  const after = await findTask(deps, reference);
  if (!after) throw new AtelierError("TASK_NOT_FOUND");
  if (!killed) throw new AtelierError("TASK_NOT_KILLABLE", { reason: reasonAgainst(after) });
  return after;
}

function reasonAgainst(task: Task): string {
  if (isTerminal(task.status)) return `it has already ended (${task.status})`;
  return "it is still waiting in the queue; use Cancel";
}
