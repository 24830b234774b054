// Finds a task of one project by the names that callers use for it.

import { selectTask } from "../db/queries/tasks.ts";
import type { Queryable } from "../db/queryable.ts";
import type { Task, TaskReference } from "../db/task.ts";

const largestId = 9_223_372_036_854_775_807n;

/** Finds the task; undefined when it does not exist, belongs to another project, or when id and token disagree. */
export async function findTask(deps: { db: Queryable }, reference: TaskReference): Promise<Task | undefined> {
  const { id, token } = reference;
  if (id === undefined && token === undefined) return undefined;
  if (id !== undefined && !isTaskId(id)) return undefined;
  if (token !== undefined && !/^[A-Za-z0-9]{1,64}$/.test(token)) return undefined;
  return selectTask(deps.db, { projectId: reference.projectId, id: id ?? null, token: token ?? null });
}

function isTaskId(text: string): boolean {
  return /^[0-9]{1,19}$/.test(text) && BigInt(text) <= largestId;
}
