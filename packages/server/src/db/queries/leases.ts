// Statements about who holds a task and for how long. The database's clock decides.

import { leasedStatuses } from "@atelier/schema/status";

import { limits } from "../../limits.ts";
import type { Queryable } from "../queryable.ts";
import { claimStatement } from "./claim-statement.ts";
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
  /** Of the event by which it was claimed. */
  eventSeq: number;
}

export interface Claim {
  readonly workerId: string;
  /** Clean names of the models that this worker can run; tasks of others are never offered. */
  readonly models: readonly string[];
  readonly leaseMs: number;
  /** Those whose base and adapters it has loaded, and those of which it has loaded the base alone: they go first within a
   *  project, for `limits.warmFirstMs` at most. */
  readonly warm?: readonly string[];
  readonly warmBases?: readonly string[];
  /** Default: the limit. */
  readonly warmFirstMs?: number;
  /** Tasks that it runs at once: of a project with a budget it has no more, those among them whose end is being written.
   *  Absent: as many as it asks for. */
  readonly places?: number;
}

export interface Claimed {
  readonly tasks: ClaimedTask[];
  /** There was none because of what projects may run or spend, as far as is known: the end of a task may change that. */
  readonly isHeldBack: boolean;
}

/** Claims a waiting task: attempt + 1, a lease, the accept event. */
export async function claimTask(db: Queryable, claim: Claim): Promise<ClaimedTask | undefined> {
  const [task] = await claimTasks(db, claim, 1);
  return task;
}

/** Claims up to `most` waiting tasks in one statement. It is always the turn of the project with the fewest running tasks, and
 *  among equals of the one that was served longest ago; a project at its running limit or with a spent budget has none. Within
 *  a project the oldest task goes first. */
export async function claimTasks(db: Queryable, claim: Claim, most: number): Promise<ClaimedTask[]> {
  return (await askForTasks(db, claim, most)).tasks;
}

/** `claimTasks`, with what is known when there is none. */
export async function askForTasks(db: Queryable, claim: Claim, most: number): Promise<Claimed> {
  for (let attempt = 1; ; attempt += 1) {
    const { isContended, ...claimed } = await askOnce(db, claim, most);
    // What is left is seen by a statement that begins after theirs has ended.
    if (!isContended || attempt >= limits.claimTries) return claimed;
  }
}

/** `askForTasks` in one statement, though somebody else was faster. */
export async function askOnce(db: Queryable, claim: Claim, most: number): Promise<Claimed & { readonly isContended: boolean }> {
  const { rows } = await db.query<ClaimRow>(claimStatement, [...claimValues(claim), most, claim.places ?? null]);
  const tasks = rows.filter((row) => row.id !== null);
  return { tasks, isHeldBack: rows[0]?.heldBack === true, isContended: rows[0]?.contended === true };
}

function claimValues(claim: Claim): unknown[] {
  return [
    claim.workerId,
    claim.models,
    claim.leaseMs,
    claim.warm ?? [],
    claim.warmBases ?? [],
    claim.warmFirstMs ?? limits.warmFirstMs,
    limits.agedTurnMs,
  ];
}

type ClaimRow = (ClaimedTask | { readonly id: null }) & { readonly contended: boolean; readonly heldBack: boolean };

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

/** Returns tasks with an expired lease to the queue, up to the limit of lost leases. Returns how many were rescued. `leaseMs`: no lease is
 *  longer. One that ends much later was given before the database's clock went back (it was set, or another machine took over), and
 *  ends as if it had been renewed now. Absent: leases have any length. */
export async function rescueTasks(db: Queryable, rescue: { lostLeases: number; most: number; leaseMs?: number }): Promise<number> {
  const { rowCount } = await db.query(
    `with expired as (
       select id from tasks
        where lease_expires_at < now() and lost_leases + 1 < $1 and phase = 'leased'
        order by lease_expires_at limit $2 for update skip locked
     ), ahead as (
       select id from tasks
        where lease_expires_at > now() + 2 * $3::bigint * interval '1 millisecond' and phase = 'leased'
        order by id limit $2 for no key update skip locked
     ), shortened as (
       update tasks t set lease_expires_at = now() + $3::bigint * interval '1 millisecond' from ahead where t.id = ahead.id
     ), moved as (
       update tasks t set ${backToQueue}, lost_leases = lost_leases + 1
         from expired where t.id = expired.id
       returning t.id, t.last_event_seq, t.attempt
     ), ${appendEvent("'task_queue'", "null")}
     select ${announceEvent}, ${announceQueue} from moved`,
    [rescue.lostLeases, rescue.most, rescue.leaseMs ?? null],
  );
  return rowCount ?? 0;
}

/** Ends tasks that lost their worker too often. Returns how many were ended. */
export async function failLostTasks(db: Queryable, rescue: { lostLeases: number; most: number }): Promise<number> {
  const { rowCount } = await db.query(
    `with expired as (
       select id from tasks
        where lease_expires_at < now() and lost_leases + 1 >= $1 and phase = 'leased'
        order by lease_expires_at limit $2 for update skip locked
     ), moved as (
       update tasks t
          set status = 'task_postprocess_end', last_event_seq = last_event_seq + 1, postprocess_ended_at = now(),
              ended_at = coalesce(ended_at, now()), lost_leases = lost_leases + 1, pexit = '1', worker_id = null,
              lease_expires_at = null, elapsed_seconds = 0,
              debug_error = 'The worker of this task was lost ' || (lost_leases + 1) || ' times; it is not tried again.'
                || case when debug_error <> '' then ' The last failure before: ' || debug_error else '' end
         from expired where t.id = expired.id
       returning t.id, t.last_event_seq, t.attempt
     ), ${appendEvent("'task_postprocess_end'", "null")}
     select ${announceEvent} from moved`,
    [rescue.lostLeases, rescue.most],
  );
  return rowCount ?? 0;
}
