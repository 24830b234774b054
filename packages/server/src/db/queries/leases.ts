// Statements about who holds a task and for how long. The database's clock decides.

import { leasedStatuses } from "@atelier/schema/status";

import type { Queryable } from "../queryable.ts";
import { announceEvent, announceQueue, appendEvent, backToQueue } from "./moved-rows.ts";

/** A task as a worker receives it. */
export interface ClaimedTask {
  id: string;
  attempt: number;
  token: string;
  model: string;
  input: Record<string, unknown>;
  outputFolderId: string;
  engineFailures: number;
}

/** Claims the oldest waiting task among `models`, in one statement: attempt + 1, a lease, the accept event. */
export async function claimTask(
  db: Queryable,
  claim: { workerId: string; models: readonly string[]; leaseMs: number },
): Promise<ClaimedTask | undefined> {
  const { rows } = await db.query<ClaimedTask>(
    `with candidate as (
       select id from tasks where status = 'task_queue' and model = any($2)
        order by id limit 1 for update skip locked
     ), moved as (
       update tasks t
          set status = 'task_accept', attempt = t.attempt + 1, worker_id = $1, accepted_at = now(),
              lease_expires_at = now() + $3 * interval '1 millisecond', last_event_seq = t.last_event_seq + 1
         from candidate where t.id = candidate.id
       returning t.*
     ), ${appendEvent("'task_accept'", "null")}
     select id, attempt, token, model, input, output_folder_id as "outputFolderId",
            engine_failures as "engineFailures", ${announceEvent}
       from moved`,
    [claim.workerId, claim.models, claim.leaseMs],
  );
  return rows[0];
}

/** Renews the leases of the attempts that a worker is working on, and returns those it still holds; one that is missing
 *  from the answer is lost to it. An attempt that the worker gave up is not renewed, so that it can be rescued. */
export async function renewLeases(
  db: Queryable,
  renewal: { workerId: string; leaseMs: number; held: readonly { id: string; attempt: number }[] },
): Promise<{ id: string; attempt: number }[]> {
  const { rows } = await db.query<{ id: string; attempt: number }>(
    // Locked in the order of ids, as reports on many tasks do: in two orders each would wait for the other.
    `with held as materialized (
       select t.id from tasks t join jsonb_to_recordset($4::jsonb) as wanted (id bigint, attempt integer)
         on t.id = wanted.id and t.attempt = wanted.attempt
        where t.worker_id = $1 and t.status = any($3)
        order by t.id for no key update of t
     )
     update tasks t set lease_expires_at = now() + $2 * interval '1 millisecond'
       from held where t.id = held.id
     returning t.id, t.attempt`,
    [renewal.workerId, renewal.leaseMs, leasedStatuses, JSON.stringify(renewal.held)],
  );
  return rows;
}

/** Returns tasks with an expired lease to the queue, up to the limit of lost leases. Returns how many were rescued. */
export async function rescueTasks(db: Queryable, rescue: { lostLeases: number; most: number }): Promise<number> {
  const { rowCount } = await db.query(
    `with expired as (
       select id from tasks
        where lease_expires_at < now() and lost_leases + 1 < $1
          and status not in ('task_queue', 'task_postprocess_end', 'task_cancel')
        order by lease_expires_at limit $2 for update skip locked
     ), moved as (
       update tasks t set ${backToQueue}, lost_leases = lost_leases + 1
         from expired where t.id = expired.id
       returning t.id, t.last_event_seq, t.attempt
     ), ${appendEvent("'task_queue'", "null")}
     select ${announceEvent}, ${announceQueue} from moved`,
    [rescue.lostLeases, rescue.most],
  );
  return rowCount ?? 0;
}

/** Ends tasks that lost their worker too often. Returns how many were ended. */
export async function failLostTasks(db: Queryable, rescue: { lostLeases: number; most: number }): Promise<number> {
  const { rowCount } = await db.query(
    `with expired as (
       select id from tasks
        where lease_expires_at < now() and lost_leases + 1 >= $1
          and status not in ('task_queue', 'task_postprocess_end', 'task_cancel')
        order by lease_expires_at limit $2 for update skip locked
     ), moved as (
       update tasks t
          set status = 'task_postprocess_end', last_event_seq = last_event_seq + 1, postprocess_ended_at = now(),
              ended_at = coalesce(ended_at, now()), lost_leases = lost_leases + 1, pexit = '1', worker_id = null,
              lease_expires_at = null, elapsed_seconds = 0,
              debug_error = 'The worker of this task was lost ' || (lost_leases + 1) || ' times; it is not tried again.'
         from expired where t.id = expired.id
       returning t.id, t.last_event_seq, t.attempt
     ), ${appendEvent("'task_postprocess_end'", "null")}
     select ${announceEvent} from moved`,
    [rescue.lostLeases, rescue.most],
  );
  return rowCount ?? 0;
}
