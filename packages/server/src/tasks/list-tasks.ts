// Lists the tasks of one project.

import { slugKey } from "@atelier/schema/slug";

import { countTasks, selectTasks } from "../db/queries/task-lists.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import type { Task } from "../db/task.ts";

export interface TaskListRequest {
  readonly projectId: string;
  /** Any spelling of a model's name or of a part of it; "" for all models. */
  readonly modelName: string;
  readonly start: number;
  readonly limit: number;
  readonly descending: boolean;
}

/** One page by id, and how many tasks there are on all pages. */
export async function listTasks(deps: { db: Queryable }, request: TaskListRequest): Promise<{ total: number; tasks: Task[] }> {
  // PostgreSQL takes no NUL in text; and no name is longer.
  const name = request.modelName.replaceAll("\0", "").slice(0, limits.pathSegmentCharacters);
  const part = { ...request, modelPart: slugKey(name) };
  const [total, tasks] = await Promise.all([countTasks(deps.db, part), selectTasks(deps.db, part)]);
  return { total, tasks };
}
