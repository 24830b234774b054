// Statements that read tasks.

import type { Status } from "@atelier/schema/status";

import type { Task, TaskOutput } from "../task.ts";
import type { Queryable } from "../queryable.ts";

export interface TaskRow {
  id: string;
  project_id: string;
  project_uuid: string;
  token: string;
  model: string;
  model_id: string;
  variant: string | null;
  status: Status;
  attempt: number;
  parameters: Record<string, unknown>;
  input: Record<string, unknown>;
  callback_url: string;
  cps: string;
  elapsed_seconds: string;
  total_cost: string;
  pexit: string | null;
  debug_output: string;
  debug_error: string;
  provenance: Record<string, unknown> | null;
  output_folder_id: string;
  created_at: Date;
  accepted_at: Date | null;
  preprocess_started_at: Date | null;
  preprocess_ended_at: Date | null;
  assigned_at: Date | null;
  started_at: Date | null;
  ended_at: Date | null;
  postprocess_started_at: Date | null;
  postprocess_ended_at: Date | null;
  cancelled_at: Date | null;
}

interface OutputRow {
  id: string;
  name: string;
  content_type: string;
  size_bytes: string;
  access_key: string;
  file_key: string;
  created_at: Date;
}

/** Finds one of the project's tasks by id, token, or both; another project's task is not found. */
export async function selectTask(
  db: Queryable,
  reference: { projectId: string; id: string | null; token: string | null },
): Promise<Task | undefined> {
  const { rows } = await db.query<TaskRow>(
    `select t.*, p.uuid as project_uuid
       from tasks t join projects p on p.id = t.project_id
      where t.project_id = $1
        and ($2::bigint is not null or $3::text is not null)
        and ($2::bigint is null or t.id = $2)
        and ($3::text is null or t.token = $3)`,
    [reference.projectId, reference.id, reference.token],
  );
  const row = rows[0];
  return row && taskFrom(row, (await selectOutputsOf(db, [row.id])).get(row.id) ?? []);
}

/** The outputs of some tasks, by the task's id; a task without any is absent. */
export async function selectOutputsOf(db: Queryable, taskIds: readonly string[]): Promise<Map<string, TaskOutput[]>> {
  const { rows } = await db.query<OutputRow & { task_id: string }>(
    `select * from outputs where task_id = any($1) order by task_id, position`,
    [taskIds],
  );
  const byTask = new Map<string, TaskOutput[]>(rows.map((row) => [row.task_id, []]));
  for (const row of rows) byTask.get(row.task_id)?.push(outputFrom(row));
  return byTask;
}

function outputFrom(row: OutputRow): TaskOutput {
  return {
    id: row.id,
    name: row.name,
    contentType: row.content_type,
    sizeBytes: Number(row.size_bytes),
    accessKey: row.access_key,
    fileKey: row.file_key,
    addedAt: row.created_at,
  };
}

export function taskFrom(row: TaskRow, outputs: TaskOutput[]): Task {
  return {
    id: row.id,
    projectId: row.project_id,
    projectUuid: row.project_uuid,
    token: row.token,
    model: row.model,
    modelId: row.model_id,
    variant: row.variant,
    status: row.status,
    attempt: row.attempt,
    parameters: row.parameters,
    input: row.input,
    callbackUrl: row.callback_url,
    cps: row.cps,
    elapsedSeconds: row.elapsed_seconds,
    totalCost: row.total_cost,
    pexit: row.pexit,
    debugOutput: row.debug_output,
    debugError: row.debug_error,
    provenance: row.provenance,
    outputFolderId: row.output_folder_id,
    times: {
      created: row.created_at,
      accepted: row.accepted_at,
      preprocessStarted: row.preprocess_started_at,
      preprocessEnded: row.preprocess_ended_at,
      assigned: row.assigned_at,
      started: row.started_at,
      ended: row.ended_at,
      postprocessStarted: row.postprocess_started_at,
      postprocessEnded: row.postprocess_ended_at,
      cancelled: row.cancelled_at,
    },
    outputs,
  };
}
