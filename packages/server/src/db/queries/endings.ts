// Statements by which a caller ends a task: Cancel from the queue, Kill from a worker's hands.

import { leasedStatuses } from "@atelier/schema/status";

import type { Queryable } from "../queryable.ts";
import { announceEvent, appendEvent, secondsSinceAccept } from "./moved-rows.ts";

/** Cancels a waiting task. False when it does not wait (any more). */
export async function cancelWaitingTask(db: Queryable, taskId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `with moved as (
       update tasks set status = 'task_cancel', cancelled_at = now(), last_event_seq = last_event_seq + 1
        where id = $1 and status = 'task_queue'
       returning id, last_event_seq, attempt
     ), ${appendEvent("'task_cancel'", "null")}
     select ${announceEvent} from moved`,
    [taskId],
  );
  return rowCount === 1;
}

/** Kills a leased task and tells its worker. False when no worker holds it. */
export async function killLeasedTask(db: Queryable, taskId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `with moved as (
       update tasks
          set status = 'task_cancel', cancelled_at = now(), pexit = '137', total_cost = 0,
              ended_at = coalesce(ended_at, now()), last_event_seq = last_event_seq + 1,
              elapsed_seconds = ${secondsSinceAccept},
              worker_id = null, lease_expires_at = null
        where id = $1 and status = any($2)
       returning id, last_event_seq, attempt
     ), ${appendEvent("'task_cancel'", "null")}
     select ${announceEvent}, id::text || ':' || attempt::text as "announce:atelier_kill" from moved`,
    [taskId, leasedStatuses],
  );
  return rowCount === 1;
}
