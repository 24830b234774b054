// Statements that list the tasks of one project.

import type { Task } from "../task.ts";
import type { Queryable } from "../queryable.ts";
import { selectOutputsOf, taskFrom } from "./tasks.ts";
import type { TaskRow } from "./tasks.ts";

export interface TaskListPart {
  readonly projectId: string;
  /** Part of a clean `owner/slug` with hyphens for dots; "" for tasks of any model. */
  readonly modelPart: string;
  readonly start: number;
  readonly limit: number;
  readonly descending: boolean;
}

/** One page of the project's tasks by id, with their outputs. */
export async function selectTasks(db: Queryable, part: TaskListPart): Promise<Task[]> {
  const direction = part.descending ? "desc" : "asc";
  const { rows } = await db.query<TaskRow>(
    `select t.*, p.uuid as project_uuid
       from tasks t join projects p on p.id = t.project_id
      where t.project_id = $1 and ${isOfModel}
      order by t.id ${direction} offset $3 limit $4`,
    [part.projectId, part.modelPart, part.start, part.limit],
  );
  const outputs = await selectOutputsOf(db, rows.map((row) => row.id));
  return rows.map((row) => taskFrom(row, outputs.get(row.id) ?? []));
}

export async function countTasks(db: Queryable, part: Pick<TaskListPart, "projectId" | "modelPart">): Promise<number> {
  const { rows } = await db.query<{ total: string }>(
    `select count(*) as total from tasks t where t.project_id = $1 and ${isOfModel}`,
    [part.projectId, part.modelPart],
  );
  return Number(rows[0]?.total ?? 0);
}

const isOfModel = `($2 = '' or strpos(replace(t.model, '.', '-'), $2) > 0)`;
