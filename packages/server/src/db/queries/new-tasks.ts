// Statements that create tasks, within the limits of their project and once for each idempotency key.

import { limits } from "../../limits.ts";
import type { Queryable } from "../queryable.ts";
import { announceQueue, queueColumn } from "./moved-rows.ts";

export interface NewTask {
  readonly projectId: string;
  readonly token: string;
  readonly model: string;
  readonly modelId: string;
  readonly parameters: Record<string, unknown>;
  readonly input: Record<string, unknown>;
  /** Uploads and outputs of other tasks that the input names: they stay while the task needs them. */
  readonly fileIds?: readonly string[] | undefined;
  readonly callbackUrl: string;
  /** Per second of its run. */
  readonly cps: string;
  /** For the run itself, and for each output; undefined: nothing. */
  readonly requestPrice?: string | undefined;
  readonly outputPrice?: string | undefined;
  readonly outputFolderId: string;
  /** How long it may wait and run; undefined: as long as it takes. */
  readonly queueLimitMs?: number | undefined;
  readonly runLimitMs?: number | undefined;
  readonly idempotency?: { readonly key: string; readonly fingerprint: Buffer } | undefined;
}

/** `locked`: the project has a limit of open tasks, so that the statement must be repeated in a transaction that holds
 *  `lockProjectRuns`. `repeated`: the idempotency key names an earlier task. */
export type Insertion =
  | { readonly kind: "created"; readonly id: string }
  | { readonly kind: "locked" }
  | { readonly kind: "repeated" }
  | { readonly kind: "spent" }
  | { readonly kind: "full"; readonly most: number; readonly balance: string };

/** Inserts a waiting task with its first event and wakes the workers; durable when the statement returns. A task counts as
 *  open from `task_queue` to its end (docs/wire-contract.md, "Limits"): a project may have as many as may run and wait. */
export async function insertTask(db: Queryable, task: NewTask, options: { isLocked: boolean }): Promise<Insertion> {
  const { rows } = await db.query<InsertionRow>(statement, [
    task.projectId,
    task.token,
    task.model,
    task.modelId,
    JSON.stringify(task.parameters),
    JSON.stringify(task.input),
    task.callbackUrl,
    task.cps,
    task.outputFolderId,
    task.queueLimitMs ?? null,
    task.runLimitMs ?? null,
    task.idempotency?.key ?? null,
    task.idempotency?.fingerprint ?? null,
    limits.idempotencyKeyMs,
    options.isLocked,
    task.fileIds ?? [],
    task.requestPrice ?? "0",
    task.outputPrice ?? "0",
  ]);
  const row = rows[0];
  if (!row) throw new Error(`there is no project ${task.projectId}`);
  if (row.id !== null) return { kind: "created", id: row.id };
  if (row.isSpent) return { kind: "spent" };
  if (row.most !== null && !options.isLocked) return { kind: "locked" };
  if (row.most !== null && !row.isAdmitted) return { kind: "full", most: row.most, balance: row.balance };
  return { kind: "repeated" };
}

/** Inserts many tasks in one statement, of projects that have no limit of open tasks, without files and idempotency keys.
 *  Returns what became of each, in the same order. `isTold`: workers are told of them (default). */
export async function insertTasks(db: Queryable, tasks: readonly PlainTask[], { isTold = true }: { isTold?: boolean } = {}): Promise<Insertion[]> {
  const { rows } = await db.query<InsertionRow & { place: number }>(insertMany, [
    JSON.stringify(tasks.map((task, place) => ({ ...task, place }))),
    isTold,
  ]);
  const byPlace = new Map(rows.map((row) => [row.place, row]));
  return tasks.map((_task, place): Insertion => {
    const row = byPlace.get(place);
    // There is no such project. The others' tasks are committed: the repetition by itself says so to this one alone.
    if (!row) return { kind: "locked" };
    if (row.id !== null) return { kind: "created", id: row.id };
    return row.isSpent ? { kind: "spent" } : { kind: "locked" };
  });
}

/** A task that `insertTasks` can insert. */
export type PlainTask = Omit<NewTask, "fileIds" | "idempotency">;

interface InsertionRow {
  readonly id: string | null;
  readonly isSpent: boolean;
  readonly isAdmitted: boolean;
  /** Open tasks that the project may have; null: any number. */
  readonly most: number | null;
  /** What is left of its budget, in dollars with two decimals. */
  readonly balance: string;
}

const statement = { name: "new-task", text: `
  with project as materialized (
    select p.id, p.budget is not null and u.spent >= p.budget as is_spent,
           coalesce(p.running_limit, 0) + p.waiting_limit as most, p.running_limit is null as runs_freely,
           to_char(coalesce(greatest(p.budget - u.spent, 0), 0), 'FM999999999990.00') as balance
      from projects p join project_usage u on u.project_id = p.id where p.id = $1::bigint
  ), admitted as materialized (
    select id from project
     where not is_spent
       and (most is null or $15::boolean and most >
             (select count(*) from (select from tasks where phase = 'waiting' and project_id = $1::bigint limit most) waiting)
             + case when runs_freely then 0
                    else (select count(*) from tasks where phase = 'leased' and project_id = $1::bigint) end)
  ), ticket as materialized (
    select nextval('tasks_id_seq') as id from admitted
  ), first_use as (
    insert into idempotency_keys as known (project_id, key, fingerprint, task_id)
    select $1::bigint, $12::text, $13::bytea, id from ticket where $12::text is not null
        on conflict (project_id, key) do update
           set fingerprint = excluded.fingerprint, task_id = excluded.task_id, created_at = now()
         where known.created_at < now() - $14::bigint * interval '1 millisecond'
    returning task_id
  ), created as (
    insert into tasks (id, project_id, token, model, model_id, status, parameters, input, callback_url, cps,
                       output_folder_id, last_event_seq, queue_limit_ms, run_limit_ms, deadline_at, request_price, output_price)
    overriding system value
    select id, $1::bigint, $2, $3, $4, 'task_queue', $5::jsonb, $6::jsonb, $7, $8::numeric, $9, 1, $10::bigint, $11::bigint,
           now() + $10::bigint * interval '1 millisecond', $17::numeric, $18::numeric
      from ticket where $12::text is null or exists (select from first_use)
    returning id
  ), event as (
    insert into task_events (task_id, seq, attempt, type) select id, 1, 0, 'task_queue' from created
  ), used as (
    insert into task_files (task_id, file_id) select created.id, f.id from created, files f where f.id = any($16)
  ), used_outputs as (
    insert into task_outputs (task_id, output_id) select created.id, o.id from created, outputs o where o.id = any($16)
  )
  select created.id, project.is_spent as "isSpent", exists (select from admitted) as "isAdmitted", project.most,
         project.balance, created.${announceQueue}
    from project left join created on true` };

const insertMany = { name: "new-tasks", text: `
  with wanted as materialized (
    select * from jsonb_to_recordset($1::jsonb) as w (
      place integer, "projectId" bigint, token text, model text, "modelId" text, parameters jsonb, input jsonb, "callbackUrl" text,
      cps numeric, "outputFolderId" text, "queueLimitMs" bigint, "runLimitMs" bigint,
      "requestPrice" numeric, "outputPrice" numeric)
  ), project as materialized (
    select p.id, p.budget is not null and u.spent >= p.budget as is_spent, p.waiting_limit is not null as is_limited
      from (select distinct "projectId" as id from wanted) w
           join projects p on p.id = w.id join project_usage u on u.project_id = p.id
  ), ticket as materialized (
    select w.*, p.is_spent, case when not p.is_spent and not p.is_limited then nextval('tasks_id_seq') end as id
      from (select * from wanted order by place) w join project p on p.id = w."projectId"
  ), created as (
    insert into tasks (id, project_id, token, model, model_id, status, parameters, input, callback_url, cps,
                       output_folder_id, last_event_seq, queue_limit_ms, run_limit_ms, deadline_at, request_price, output_price)
    overriding system value
    select id, "projectId", token, model, "modelId", 'task_queue', parameters, input, "callbackUrl", cps, "outputFolderId", 1,
           "queueLimitMs", "runLimitMs", now() + "queueLimitMs" * interval '1 millisecond',
           coalesce("requestPrice", 0), coalesce("outputPrice", 0)
      from ticket where id is not null
  ), event as (
    insert into task_events (task_id, seq, attempt, type) select id, 1, 0, 'task_queue' from ticket where id is not null
  )
  select place, id, is_spent as "isSpent", case when $2 then id::text end as "${queueColumn}" from ticket` };

/** Lets one Run of the project at a time count and create, until the transaction ends. */
export async function lockProjectRuns(tx: Queryable, projectId: string): Promise<void> {
  await tx.query(`select id from projects where id = $1 for no key update`, [projectId]);
}

export interface RepeatedRun {
  readonly id: string;
  readonly token: string;
  readonly fingerprint: Buffer;
}

/** The task that a key which is still kept was used for. */
export async function selectRepeatedRun(
  db: Queryable,
  run: { projectId: string; key: string },
): Promise<RepeatedRun | undefined> {
  const { rows } = await db.query<RepeatedRun>(
    `select t.id, t.token, k.fingerprint from idempotency_keys k join tasks t on t.id = k.task_id
      where k.project_id = $1 and k.key = $2 and k.created_at >= now() - $3 * interval '1 millisecond'`,
    [run.projectId, run.key, limits.idempotencyKeyMs],
  );
  return rows[0];
}

/** Forgets keys that are no longer kept, `most` at a time. Returns how many. */
export async function deleteOldIdempotencyKeys(db: Queryable, most: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from idempotency_keys where (project_id, key) in (
       select project_id, key from idempotency_keys
        where created_at < now() - $1 * interval '1 millisecond' order by created_at limit $2)`,
    [limits.idempotencyKeyMs, most],
  );
  return rowCount ?? 0;
}
