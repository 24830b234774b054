// Statements that move a task from one status to the next. Each is one compare-and-set that writes its event too.

import { leasedStatuses } from "@atelier/schema/status";
import type { Status } from "@atelier/schema/status";

import type { Queryable } from "../queryable.ts";
import { finishTasks, moveTasks } from "./moves-of-many.ts";
import { announceEvent, announceQueue, appendEvent, backToQueue, secondsSinceAccept } from "./moved-rows.ts";

/** What a worker must show to change a task: the attempt it was given and its own id. */
export interface Fence {
  readonly taskId: string;
  readonly attempt: number;
  readonly workerId: string;
}

/** A step to one status, with what its event shall carry. */
export interface Move {
  readonly to: Status;
  readonly data?: unknown;
  readonly variant?: string | undefined;
  /** When it was taken, by this process's `performance.now()`. Default: as it is written. */
  readonly atMs?: number | undefined;
}

/** The steps of one task, one after the other. */
export interface FencedMoves {
  readonly fence: Fence;
  readonly moves: readonly Move[];
  /** The last event that the log must have; undefined: any. */
  readonly afterSeq?: number | undefined;
}

/** Moves a leased task on. Returns false, and changes nothing, when the fence or the status does not match. */
export async function moveTask(db: Queryable, fence: Fence, move: Move): Promise<boolean> {
  const [moved] = await moveTasks(db, [{ fence, moves: [move] }]);
  return moved === true;
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

/** How a run ended well. */
export interface Finish {
  /** Steps not yet reported, up to `task_postprocess_start`. */
  readonly moves?: readonly Move[];
  readonly outputs: readonly FinishedOutput[];
  readonly debugOutput: string;
  /** Default: "". */
  readonly debugError?: string | undefined;
  readonly provenance: unknown;
}

/** Ends a task well: its last steps, outputs, final status, cost, ledger line and last event in one statement. False: fence lost. */
export async function finishTask(db: Queryable, fence: Fence, finish: Finish): Promise<boolean> {
  const [finished] = await finishTasks(db, [{ fence, finish }]);
  return finished === true;
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
              elapsed_seconds = ${secondsSinceAccept},
              worker_id = null, lease_expires_at = null
        where id = $1 and attempt = $2 and worker_id = $3 and status = any($4)
       returning id, last_event_seq, attempt
     ), ${appendEvent("'task_postprocess_end'", "null")}
     select ${announceEvent} from moved`,
    [...fenceValues(fence), leasedStatuses, failure.pexit, failure.debugError, failure.debugOutput],
  );
  return rowCount === 1;
}

/** Returns a leased task to the queue. `engineFailed` counts against the limit of engine failures; with an empty `debugError` the
 *  last failure is kept. False: fence lost. */
export async function returnTask(
  db: Queryable,
  fence: Fence,
  reason: { engineFailed: boolean; debugError: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with moved as (
       update tasks
          set ${backToQueue}, engine_failures = engine_failures + $5, debug_error = coalesce(nullif($6, ''), debug_error)
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
  readonly lastEventSeq: number;
  readonly input: Record<string, unknown>;
}

/** Where a task stands, if `attempt` is still its newest: tells whether a statement with a lost answer was committed. */
export async function selectAttempt(db: Queryable, fence: Fence): Promise<AttemptRow | undefined> {
  const { rows } = await db.query<AttemptRow>(
    `select status, worker_id as "workerId", pexit, engine_failures as "engineFailures", last_event_seq as "lastEventSeq", input
       from tasks where id = $1 and attempt = $2`,
    [fence.taskId, fence.attempt],
  );
  return rows[0];
}

function fenceValues(fence: Fence): unknown[] {
  return [fence.taskId, fence.attempt, fence.workerId];
}
