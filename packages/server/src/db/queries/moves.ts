// Statements that move a task from one status to the next. Each is one compare-and-set that writes its event too.

import { leasedStatuses, statusesBefore } from "@atelier/schema/status";
import type { Status } from "@atelier/schema/status";

import type { Queryable } from "../queryable.ts";

/** What a worker must show to change a task: the attempt it was given and its own id. */
export interface Fence {
  readonly taskId: string;
  readonly attempt: number;
  readonly workerId: string;
}

/** Column that records when a status was entered. */
const timeColumns: Partial<Record<Status, string>> = {
  task_preprocess_start: "preprocess_started_at",
  task_preprocess_end: "preprocess_ended_at",
  task_assign: "assigned_at",
  task_start: "started_at",
  task_end: "ended_at",
  task_postprocess_start: "postprocess_started_at",
};

/** Moves a leased task on. Returns false, and changes nothing, when the fence or the status does not match. */
export async function moveTask(
  db: Queryable,
  fence: Fence,
  move: { to: Status; data?: unknown; variant?: string },
): Promise<boolean> {
  const column = timeColumns[move.to];
  const stamp = column ? `, ${column} = now()` : "";
  const { rowCount } = await db.query(
    `with moved as (
       update tasks set status = $4, last_event_seq = last_event_seq + 1, variant = coalesce($7, variant)${stamp}
        where id = $1 and attempt = $2 and worker_id = $3 and status = any($5)
       returning id, last_event_seq, attempt
     ), ${appendEvent("$4", "$6::jsonb")}
     select ${announceEvent} from moved`,
    [...fenceValues(fence), move.to, statusesBefore(move.to), jsonOrNull(move.data), move.variant ?? null],
  );
  return rowCount === 1;
}

export interface FinishedOutput {
  id: string;
  position: number;
  name: string;
  contentType: string;
  sizeBytes: number;
  accessKey: string;
  fileKey: string;
}

/** Ends a task well: outputs, final status, cost, ledger line and last event in one statement. False: fence lost. */
export async function finishTask(
  db: Queryable,
  fence: Fence,
  result: { outputs: readonly FinishedOutput[]; debugOutput: string; provenance: unknown },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with moved as (
       update tasks
          set status = 'task_postprocess_end', last_event_seq = last_event_seq + 1, postprocess_ended_at = now(),
              pexit = '0', elapsed_seconds = ${elapsed}, total_cost = round(cps * ${elapsed}, 12), debug_output = $5,
              provenance = $6,
              worker_id = null, lease_expires_at = null
        where id = $1 and attempt = $2 and worker_id = $3 and status = 'task_postprocess_start'
       returning id, project_id, last_event_seq, attempt, total_cost
     ), stored as (
       insert into outputs (id, task_id, position, name, content_type, size_bytes, access_key, file_key)
       select o.id, moved.id, o.position, o.name, o."contentType", o."sizeBytes", o."accessKey", o."fileKey"
         from moved, jsonb_to_recordset($4::jsonb) as o (
              id text, position integer, name text, "contentType" text, "sizeBytes" bigint, "accessKey" text, "fileKey" text)
     ), billed as (
       insert into ledger (task_id, project_id, amount) select id, project_id, total_cost from moved
     ), payer as materialized (
       -- Locked, so that a budget which is being set now is seen or waits (queries/budgets.ts).
       select p.id, p.budget from projects p where p.id = (select project_id from moved) for key share
     ), spent as (
       update project_usage u set spent = u.spent + moved.total_cost
         from moved, payer where u.project_id = payer.id and payer.budget is not null
     ), ${appendEvent("'task_postprocess_end'", "null")}
     select ${announceEvent} from moved`,
    [...fenceValues(fence), JSON.stringify(result.outputs), result.debugOutput, jsonOrNull(result.provenance)],
  );
  return rowCount === 1;
}

/** Ends a leased task badly: no outputs, no cost, the reason kept. False: fence lost. */
export async function failTask(
  db: Queryable,
  fence: Fence,
  failure: { pexit: string; debugError: string; debugOutput: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with moved as (
       update tasks
          set status = 'task_postprocess_end', last_event_seq = last_event_seq + 1, postprocess_ended_at = now(),
              ended_at = coalesce(ended_at, now()), pexit = $5, debug_error = $6, debug_output = $7, total_cost = 0,
              elapsed_seconds = round(extract(epoch from now() - accepted_at)::numeric, 4),
              worker_id = null, lease_expires_at = null
        where id = $1 and attempt = $2 and worker_id = $3 and status = any($4)
       returning id, last_event_seq, attempt
     ), ${appendEvent("'task_postprocess_end'", "null")}
     select ${announceEvent} from moved`,
    [...fenceValues(fence), leasedStatuses, failure.pexit, failure.debugError, failure.debugOutput],
  );
  return rowCount === 1;
}

/** Returns a leased task to the queue. `engineFailed` counts against the limit of engine failures. False: fence lost. */
export async function returnTask(
  db: Queryable,
  fence: Fence,
  reason: { engineFailed: boolean; debugError: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with moved as (
       update tasks
          set ${backToQueue}, engine_failures = engine_failures + $5, debug_error = $6
        where id = $1 and attempt = $2 and worker_id = $3 and status = any($4)
       returning id, last_event_seq, attempt
     ), ${appendEvent("'task_queue'", "null")}
     select ${announceEvent}, ${announceQueue} from moved`,
    [...fenceValues(fence), leasedStatuses, reason.engineFailed ? 1 : 0, reason.debugError],
  );
  return rowCount === 1;
}

export interface AttemptRow {
  readonly status: Status;
  readonly workerId: string | null;
  readonly pexit: string | null;
  readonly engineFailures: number;
  readonly input: Record<string, unknown>;
}

/** Where a task stands, if `attempt` is still its newest: tells whether a statement with a lost answer was committed. */
export async function selectAttempt(db: Queryable, fence: Fence): Promise<AttemptRow | undefined> {
  const { rows } = await db.query<AttemptRow>(
    `select status, worker_id as "workerId", pexit, engine_failures as "engineFailures", input
       from tasks where id = $1 and attempt = $2`,
    [fence.taskId, fence.attempt],
  );
  return rows[0];
}

/** Assignments that put a task back in the queue as if it had just been created; the attempt number stays. */
export const backToQueue = `status = 'task_queue', last_event_seq = last_event_seq + 1, worker_id = null,
  lease_expires_at = null, variant = null, accepted_at = null, preprocess_started_at = null, preprocess_ended_at = null,
  assigned_at = null, started_at = null, ended_at = null, postprocess_started_at = null, elapsed_seconds = 0`;

/** CTE that appends the event of a `moved` task. `type` and `data` are SQL expressions of this file, never user text. */
export function appendEvent(type: string, data: string): string {
  return `event as (
    insert into task_events (task_id, seq, attempt, type, data)
    select id, last_event_seq, attempt, ${type}, ${data} from moved)`;
}

/** From accept to the end of the engine's run, as the wire shows it and as it is billed. Set when the task ends: as an indexed
 *  column it would cost the moves before their HOT updates. */
const elapsed = "round(extract(epoch from ended_at - accepted_at)::numeric, 4)";

/** Select list item that tells followers which event was appended (ids only), once it is committed. */
export const announceEvent = `id::text || ':' || last_event_seq::text as "announce:atelier_event"`;

/** Select list item that wakes workers once a waiting task is committed. */
export const announceQueue = `id::text as "announce:atelier_queue"`;

function fenceValues(fence: Fence): unknown[] {
  return [fence.taskId, fence.attempt, fence.workerId];
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
