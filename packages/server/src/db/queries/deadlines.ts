// Statements by which the system ends tasks that took too long. They are Cancel and Kill with a reason: a task that a worker
// takes, or that ends, at the same moment is no longer in the phase that they ask for.

import type { Queryable } from "../queryable.ts";
import { announceEvent, appendEvent, secondsSinceAccept } from "./moved-rows.ts";

/** Cancels tasks that wait for longer than their model allows, up to `most`. Returns how many. */
export async function cancelOverdueTasks(db: Queryable, most: number): Promise<number> {
  const { rowCount } = await db.query(
    `with ${overdue("waiting")}, moved as (
       update tasks t
          set status = 'task_cancel', cancelled_at = now(), last_event_seq = last_event_seq + 1,
              debug_error = ${reason("QUEUE_TIME_EXCEEDED: the task waited", "queue_limit_ms")}
         from overdue where t.id = overdue.id
       returning t.id, t.last_event_seq, t.attempt
     ), ${appendEvent("'task_cancel'", "null")}
     select ${announceEvent} from moved`,
    [most],
  );
  return rowCount ?? 0;
}

/** Kills tasks that are leased for longer than their model allows, up to `most`, and tells their workers. Returns how many. */
export async function killOverdueTasks(db: Queryable, most: number): Promise<number> {
  const { rowCount } = await db.query(
    `with ${overdue("leased")}, moved as (
       update tasks t
          set status = 'task_cancel', cancelled_at = now(), pexit = '137', total_cost = 0,
              ended_at = coalesce(ended_at, now()), last_event_seq = last_event_seq + 1,
              elapsed_seconds = ${secondsSinceAccept},
              worker_id = null, lease_expires_at = null,
              debug_error = ${reason("RUN_TIME_EXCEEDED: the task ran", "run_limit_ms")}
         from overdue where t.id = overdue.id
       returning t.id, t.last_event_seq, t.attempt
     ), ${appendEvent("'task_cancel'", "null")}
     select ${announceEvent}, id::text || ':' || attempt::text as "announce:atelier_kill" from moved`,
    [most],
  );
  return rowCount ?? 0;
}

function overdue(phase: "waiting" | "leased"): string {
  return `overdue as (
    select id from tasks where deadline_at < now() and phase = '${phase}' order by deadline_at limit $1 for update skip locked)`;
}

function reason(what: string, column: "queue_limit_ms" | "run_limit_ms"): string {
  return `'${what} for longer than the ' || round(${column} / 1000.0, 3)::float || ' seconds that its model allows.'
                || case when debug_error <> '' then ' The last failure before: ' || debug_error else '' end`;
}
