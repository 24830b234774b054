// Statements that find what upkeep may remove, and remove it. Each looks at a bounded number of rows, however many there are:
// the whole is walked in pages (maintenance/beyond.ts).

import { limits } from "../../limits.ts";
import type { Queryable } from "../queryable.ts";

/** `days`: ended longer ago than this. `count`: not among so many that ended last. Null: no such limit; one is enough. */
export interface KeepBounds {
  readonly days: number | null;
  readonly count: number | null;
}

/** `bytes`: of the newest files, so many. As `KeepBounds`. */
export interface FileBounds {
  readonly days: number | null;
  readonly bytes: number | null;
}

const endedAt = "coalesce(t.cancelled_at, t.postprocess_ended_at)";
const isEnded = "t.phase in ('finished', 'cancelled')";

/** An output of the task is an input of one that waits or runs. */
const isNeeded = `exists (select from outputs o join task_outputs u on u.output_id = o.id join tasks user_task on user_task.id = u.task_id
                           where o.task_id = t.id and user_task.phase in ('waiting', 'leased'))`;

/** A place in the order in which tasks ended. */
export interface EndPlace {
  /** As PostgreSQL writes it, to the microsecond. */
  readonly endedAt: string;
  readonly id: string;
}

/** The last place that is beyond the bounds: all before it are as well. Undefined: nothing is. */
export async function selectLastBeyond(db: Queryable, keep: KeepBounds): Promise<EndPlace | undefined> {
  const place = `select ${endedAt} as ended_at, t.id from tasks t where ${isEnded}`;
  const newestFirst = `order by ${endedAt} desc, t.id desc`;
  const { rows } = await db.query<EndPlace>(
    `select ended_at::text as "endedAt", id
       from ((${place} and ${endedAt} < now() - $1::float8 * interval '1 day' ${newestFirst} limit 1)
             union all
             (${place} and $2::bigint is not null ${newestFirst} offset $2::bigint limit 1)) as beyond
      order by ended_at desc, id desc limit 1`,
    [keep.days, keep.count],
  );
  return rows[0];
}

export interface EndedTask extends EndPlace {
  /** Its callback is still to be sent, a repeated Run would still be answered with it, or its files are needed: it is not over. */
  readonly isAwaited: boolean;
  /** A task that has not ended has one of its outputs for an input. */
  readonly isNeeded: boolean;
}

/** The next of the tasks that ended after one place, up to another: in the order of their ends. */
export async function selectEndedTasks(
  db: Queryable,
  { after, upTo, most }: { after: EndPlace | undefined; upTo: EndPlace; most: number },
): Promise<EndedTask[]> {
  const { rows } = await db.query<EndedTask>(
    `select t.id, ${endedAt}::text as "endedAt", ${isNeeded} as "isNeeded",
            exists (select 1 from deliveries d where d.task_id = t.id and d.status = 'waiting')
              or exists (select 1 from idempotency_keys k
                          where k.task_id = t.id and k.created_at >= now() - $6 * interval '1 millisecond')
              or ${isNeeded} as "isAwaited"
       from tasks t
      where ${isEnded} and (${endedAt}, t.id) > ($1::timestamptz, $2::bigint) and (${endedAt}, t.id) <= ($3::timestamptz, $4::bigint)
      order by ${endedAt}, t.id limit $5`,
    [after?.endedAt ?? "-infinity", after?.id ?? 0, upTo.endedAt, upTo.id, most, limits.idempotencyKeyMs],
  );
  return rows;
}

/** The next tasks with files before `beforeId`, the newest first, each with the bytes of its files. `isOver`: ended, and no other task
 *  needs its outputs. */
export async function selectTasksWithFiles(
  db: Queryable,
  { beforeId, most }: { beforeId: string; most: number },
): Promise<{ id: string; bytes: number; isOver: boolean }[]> {
  const { rows } = await db.query<{ id: string; bytes: string; isOver: boolean }>(
    `select o.task_id as id, o.bytes, ${isEnded} and not ${isNeeded} as "isOver"
       from (select task_id, sum(size_bytes) as bytes from outputs where task_id < $1
              group by task_id order by task_id desc limit $2) as o
       join tasks t on t.id = o.task_id
      order by o.task_id desc`,
    [beforeId, most],
  );
  return rows.map((row) => ({ ...row, bytes: Number(row.bytes) }));
}

/** Removes the records of tasks that are still ended; their events, outputs and callbacks go with them. Returns how many. */
export async function deleteEndedTasks(db: Queryable, taskIds: readonly string[]): Promise<number> {
  const { rowCount } = await db.query(`delete from tasks where id = any($1) and phase in ('finished', 'cancelled')`, [taskIds]);
  return rowCount ?? 0;
}

/** All events of these tasks but the last of each. */
const isOldEvent = "t.id = any($1) and e.task_id = t.id and e.seq < t.last_event_seq";

export async function deleteOldEvents(db: Queryable, taskIds: readonly string[]): Promise<number> {
  const { rowCount } = await db.query(`delete from task_events e using tasks t where ${isOldEvent}`, [taskIds]);
  return rowCount ?? 0;
}

export async function countOldEvents(db: Queryable, taskIds: readonly string[]): Promise<number> {
  const { rows } = await db.query<{ events: string }>(`select count(*) as events from task_events e join tasks t on ${isOldEvent}`, [taskIds]);
  return Number(rows[0]?.events);
}

const deliveriesBeyond = `deliveries d where d.status <> 'waiting' and d.ended_at < now() - $1::float8 * interval '1 day'`;

export async function deleteDeliveriesBeyond(db: Queryable, days: number, most: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from deliveries where id in (select d.id from ${deliveriesBeyond} order by d.ended_at, d.id limit $2)`,
    [days, most],
  );
  return rowCount ?? 0;
}

/** `taskIds`: only those of these tasks. */
export async function countDeliveriesBeyond(db: Queryable, days: number, taskIds?: readonly string[]): Promise<number> {
  const ofTasks = taskIds === undefined ? { where: "", values: [] } : { where: "and d.task_id = any($2)", values: [taskIds] };
  const { rows } = await db.query<{ deliveries: string }>(
    `select count(*) as deliveries from ${deliveriesBeyond} ${ofTasks.where}`,
    [days, ...ofTasks.values],
  );
  return Number(rows[0]?.deliveries);
}

/** Files stored before this moment and named by no row belong to nobody: they are older than `graceMs`, and no attempt that is
 *  under way began before them. `skewMs`: how far the clock of the file store may differ from the database's. */
export async function selectSweepHorizon(db: Queryable, { graceMs, skewMs }: { graceMs: number; skewMs: number }): Promise<Date> {
  const { rows } = await db.query<{ horizon: Date }>(
    `select least(now() - $1 * interval '1 millisecond', min(accepted_at)) - $2 * interval '1 millisecond' as horizon
       from tasks where phase = 'leased'`,
    [graceMs, skewMs],
  );
  // An aggregate without groups gives one row, always.
  return (rows[0] as { horizon: Date }).horizon;
}

/** Of these keys, those that some row names. Columns that hold keys of files are named `file_key`, or end with `_file_key`. */
export async function selectKnownFileKeys(db: Queryable, keys: readonly string[]): Promise<Set<string>> {
  const columns = await db.query<{ source: string; name: string }>(
    `select quote_ident(c.relname) as source, quote_ident(a.attname) as name
       from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not a.attisdropped and a.attname ~ '(^|_)file_key$'`,
  );
  // The outputs are always among them; without any, everything would look abandoned.
  if (columns.rows.length === 0) throw new Error("no column of the database names files");
  const parts = columns.rows.map(({ source, name }) => `select ${name} as key from ${source} where ${name} = any($1)`);
  const { rows } = await db.query<{ key: string }>(parts.join(" union "), [keys]);
  return new Set(rows.map((row) => row.key));
}
