// Projects and their waiting tasks, for tests.

import { insertTask as insertWithin } from "./queries/new-tasks.ts";
import type { NewTask } from "./queries/new-tasks.ts";
import type { Queryable } from "./queryable.ts";

/** Inserts a project. Returns its id. */
export async function insertProject(db: Queryable, limited: { running_limit?: number; budget?: string } = {}): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    "insert into projects (uuid, name, auth, running_limit, budget) values (gen_random_uuid(), 'test', 'key', $1, $2) returning id",
    [limited.running_limit ?? null, limited.budget ?? null],
  );
  const [project] = rows;
  if (!project) throw new Error("the project was not inserted");
  return project.id;
}

/** Inserts a task of a project that may have it. Returns its id. */
export async function insertTask(db: Queryable, task: NewTask): Promise<string> {
  const inserted = await insertWithin(db, task, { isLocked: true });
  if (inserted.kind !== "created") throw new Error(`the task was not created: ${inserted.kind}`);
  return inserted.id;
}
