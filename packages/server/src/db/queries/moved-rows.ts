// Pieces that the statements share which move tasks: each of them ends in a CTE `moved` (id, last_event_seq, attempt).

import { announcePrefix } from "../announcer.ts";

/** Assignments that put a task back in the queue as if it had just been created; the attempt number stays. */
export const backToQueue = `status = 'task_queue', last_event_seq = last_event_seq + 1, worker_id = null,
  lease_expires_at = null, deadline_at = now() + queue_limit_ms * interval '1 millisecond', variant = null, accepted_at = null,
  preprocess_started_at = null, preprocess_ended_at = null, assigned_at = null, started_at = null, ended_at = null, postprocess_started_at = null, elapsed_seconds = 0`;

/** From accept to now, as a task shows it that ends without a result; never below zero, should the database's clock have gone back. */
export const secondsSinceAccept = "greatest(0, round(extract(epoch from now() - accepted_at)::numeric, 4))";

/** CTE that appends the event of a `moved` task. `type` and `data` are SQL expressions of this file, never user text. */
export function appendEvent(type: string, data: string): string {
  return `event as (
    insert into task_events (task_id, seq, attempt, type, data)
    select id, last_event_seq, attempt, ${type}, ${data} from moved)`;
}

/** Select list item that tells followers which event was appended (ids only), once it is committed. */
export const announceEvent = `id::text || ':' || last_event_seq::text as "announce:atelier_event"`;

/** Where workers hear that a task waits. */
export const queueChannel = "atelier_queue";

export const queueColumn = `${announcePrefix}${queueChannel}`;

/** Select list item that wakes workers once a waiting task is committed. */
export const announceQueue = `id::text as "${queueColumn}"`;
