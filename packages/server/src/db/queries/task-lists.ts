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
  const { condition, values } = ofModel(part, 4);
  const { rows } = await db.query<TaskRow>(
    `select t.*, p.uuid as project_uuid
       from tasks t join projects p on p.id = t.project_id
      where t.project_id = $1 and ${condition}
      order by t.id ${direction} offset $2 limit $3`,
    [part.projectId, part.start, part.limit, ...values],
  );
  const outputs = await selectOutputsOf(db, rows.map((row) => row.id));
  return rows.map((row) => taskFrom(row, outputs.get(row.id) ?? []));
}

export async function countTasks(db: Queryable, part: Pick<TaskListPart, "projectId" | "modelPart">): Promise<number> {
  const { condition, values } = ofModel(part, 2);
  const { rows } = await db.query<{ total: string }>(
    `select count(*) as total from tasks t where t.project_id = $1 and ${condition}`,
    [part.projectId, ...values],
  );
  return Number(rows[0]?.total ?? 0);
}

/** Without a model there is nothing to compare, and the index on a project's tasks has all that counting them needs. */
function ofModel({ modelPart }: Pick<TaskListPart, "modelPart">, parameter: number): { condition: string; values: string[] } {
  if (modelPart === "") return { condition: "true", values: [] };
  return { condition: `strpos(replace(t.model, '.', '-'), $${parameter}) > 0`, values: [modelPart] };
}
