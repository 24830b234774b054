// Waiting tasks for tests.

import { insertTask as insertWithin } from "./queries/new-tasks.ts";
import type { NewTask } from "./queries/new-tasks.ts";
import type { Queryable } from "./queryable.ts";

/** Inserts a task of a project that may have it. Returns its id. */
export async function insertTask(db: Queryable, task: NewTask): Promise<string> {
  const inserted = await insertWithin(db, task, { isLocked: true });
  if (inserted.kind !== "created") throw new Error(`the task was not created: ${inserted.kind}`);
  return inserted.id;
}
