// Statements about callbacks: which are due, what became of a try, and what a project may see of its own.

import type { Queryable } from "../queryable.ts";

export type DeliveryStatus = "waiting" | "delivered" | "abandoned";

/** A delivery as its sender receives it. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly messageId: string;
  readonly taskId: string;
  readonly projectId: string;
  readonly url: string;
  /** The number of this try, 1 for the first: with the id it is the fence. */
  readonly attempt: number;
  /** Failed tries before this one that count. */
  readonly failures: number;
  readonly startedAt: Date;
}

/** Claims the delivery that has been due for longest, with a lease, and opens the log line of the try. */
export async function claimDelivery(
  db: Queryable,
  claim: { leaseMs: number; exceptProjects: readonly string[] },
): Promise<ClaimedDelivery | undefined> {
  const { rows } = await db.query<ClaimedDelivery>(
    `with due as (
       select id from deliveries
        where status = 'waiting' and next_attempt_at <= now()
          and (lease_expires_at is null or lease_expires_at < now()) and project_id <> all($2::bigint[])
        order by next_attempt_at, id limit 1 for update skip locked
     ), claimed as (
       update deliveries d set attempt = d.attempt + 1, lease_expires_at = now() + $1 * interval '1 millisecond'
         from due where d.id = due.id
       returning d.*
     ), logged as (
       insert into delivery_attempts (delivery_id, attempt) select id, attempt from claimed
     )
     select id, message_id as "messageId", task_id as "taskId", project_id as "projectId", url, attempt, failures,
            now() as "startedAt"
       from claimed`,
    [claim.leaseMs, claim.exceptProjects],
  );
  return rows[0];
}

/** What became of one try. `errorClass`: null for a success. */
export interface DeliveryOutcome {
  readonly durationMs: number;
  readonly httpStatus: number | null;
  readonly errorClass: string | null;
}

/** What follows from it. `countsAsFailure`: false for a try that the server itself broke off. */
export type DeliveryVerdict =
  | { readonly status: "delivered" }
  | { readonly status: "abandoned" }
  | { readonly status: "waiting"; readonly waitMs: number; readonly countsAsFailure: boolean };

/** Closes a try: its log line always, the delivery only while the try is the newest. False when it is not. A delivery that
 *  was renewed while the try was under way keeps its new schedule, unless the try was a success. */
export async function endDeliveryAttempt(
  db: Queryable,
  claimed: Pick<ClaimedDelivery, "id" | "attempt" | "failures">,
  outcome: DeliveryOutcome,
  verdict: DeliveryVerdict,
): Promise<boolean> {
  const isFailure = verdict.status === "abandoned" || (verdict.status === "waiting" && verdict.countsAsFailure);
  const isHeld = "(failures = $9 or $6 = 'delivered')";
  const { rowCount } = await db.query(
    `with logged as (
       update delivery_attempts set duration_ms = $3, http_status = $4, error_class = $5
        where delivery_id = $1 and attempt = $2
     )
     update deliveries
        set status = case when ${isHeld} then $6 else status end,
            failures = case when ${isHeld} then failures + $7 else failures end,
            next_attempt_at = case when ${isHeld} then now() + $8 * interval '1 millisecond' else next_attempt_at end,
            ended_at = case when ${isHeld} and $6 <> 'waiting' then now() end,
            lease_expires_at = null
      where id = $1 and attempt = $2 and status = 'waiting'`,
    [
      ...[claimed.id, claimed.attempt, outcome.durationMs, outcome.httpStatus, outcome.errorClass],
      ...[verdict.status, isFailure ? 1 : 0, verdict.status === "waiting" ? verdict.waitMs : 0, claimed.failures],
    ],
  );
  return rowCount === 1;
}

/** An earlier try was a success, or ended in one of these classes. */
export async function hasTryEndedIn(
  db: Queryable,
  { id, attempt }: Pick<ClaimedDelivery, "id" | "attempt">,
  errorClasses: readonly string[],
): Promise<boolean> {
  const { rows } = await db.query(
    `select from delivery_attempts
      where delivery_id = $1 and attempt < $2 and duration_ms is not null and (error_class is null or error_class = any($3))
      limit 1`,
    [id, attempt, errorClasses],
  );
  return rows.length === 1;
}

export interface DeliveryAttempt {
  readonly attempt: number;
  readonly startedAt: Date;
  /** Null while it is under way, or when its sender died. */
  readonly durationMs: number | null;
  readonly httpStatus: number | null;
  readonly errorClass: string | null;
}

export interface Delivery {
  readonly id: string;
  readonly messageId: string;
  readonly taskId: string;
  readonly url: string;
  readonly status: DeliveryStatus;
  readonly createdAt: Date;
  /** Null once it has ended. */
  readonly nextAttemptAt: Date | null;
  readonly endedAt: Date | null;
  /** The newest first, a limited number. */
  readonly attempts: readonly DeliveryAttempt[];
}

/** A project's deliveries, the newest first, of those before `beforeId`. */
export async function selectDeliveries(
  db: Queryable,
  page: { projectId: string; beforeId: string | null; rows: number },
): Promise<Delivery[]> {
  const { rows } = await db.query<Omit<Delivery, "attempts"> & { attempts: AttemptJson[] }>(
    `select d.id, d.message_id as "messageId", d.task_id as "taskId", d.url, d.status, d.created_at as "createdAt",
            case when d.status = 'waiting' then d.next_attempt_at end as "nextAttemptAt", d.ended_at as "endedAt",
            coalesce(tries.list, '[]'::jsonb) as attempts
       from deliveries d
       left join lateral (
         select jsonb_agg(jsonb_build_array(a.attempt, a.started_at, a.duration_ms, a.http_status, a.error_class)
                          order by a.attempt desc) as list
           from (select * from delivery_attempts where delivery_id = d.id order by attempt desc limit $3) a
       ) tries on true
      where d.project_id = $1 and ($2::bigint is null or d.id < $2)
      order by d.id desc limit $3`,
    [page.projectId, page.beforeId, page.rows],
  );
  return rows.map((row) => ({ ...row, attempts: row.attempts.map(attemptFrom) }));
}

type AttemptJson = [attempt: number, startedAt: string, durationMs: number | null, httpStatus: number | null, error: string | null];

function attemptFrom([attempt, startedAt, durationMs, httpStatus, errorClass]: AttemptJson): DeliveryAttempt {
  return { attempt, startedAt: new Date(startedAt), durationMs, httpStatus, errorClass };
}

/** Makes one of the project's deliveries due now, with the whole schedule before it, and wakes the senders. A try that is
 *  under way goes on: it is the redelivery. False when the project has no such delivery. */
export async function renewDelivery(
  db: Queryable,
  reference: { projectId: string; deliveryId: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with renewed as (
       update deliveries set status = 'waiting', failures = 0, next_attempt_at = now(), ended_at = null
        where id = $2 and project_id = $1
       returning id
     )
     select id::text as "announce:atelier_delivery" from renewed`,
    [reference.projectId, reference.deliveryId],
  );
  return rowCount === 1;
}
