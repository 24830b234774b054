// Statements that find what upkeep may remove, and remove it. Each takes a bounded number of rows.

import type { Queryable } from "../queryable.ts";

/** `days`: ended longer ago than this. `count`: not among so many that ended last. Null: no such limit; one is enough. */
export interface KeepBounds {
  readonly days: number | null;
  readonly count: number | null;
}

const endedAt = "coalesce(t.cancelled_at, t.postprocess_ended_at)";

/** Ended tasks beyond $1 days or $2 tasks. A task whose callback is still to be sent is not over. */
const tasksBeyond = `
  tasks t where t.phase in ('finished', 'cancelled')
    and (${endedAt} < now() - $1::float8 * interval '1 day'
         or ($2::bigint is not null and (${endedAt}, t.id) <= (
               select ${endedAt}, t.id from tasks t where t.phase in ('finished', 'cancelled')
                order by ${endedAt} desc, t.id desc offset coalesce($2::bigint, 0) limit 1)))
    and not exists (select 1 from deliveries d where d.task_id = t.id and d.status = 'waiting')`;

const hasEvents = "exists (select 1 from task_events e where e.task_id = t.id and e.seq < t.last_event_seq)";
const hasOutputs = "exists (select 1 from outputs o where o.task_id = t.id)";

/** Tasks whose files are beyond $1 days, or beyond $2 bytes counted from the newest task. */
const filesBeyond = `
  (select o.task_id, sum(o.size_bytes) as bytes, count(*) as files,
          sum(sum(o.size_bytes)) over (order by o.task_id desc) as bytes_so_far
     from outputs o group by o.task_id) o
  join tasks t on t.id = o.task_id
 where t.phase in ('finished', 'cancelled')
   and (${endedAt} < now() - $1::float8 * interval '1 day' or o.bytes_so_far > $2)`;

const deliveriesBeyond = `deliveries d where d.status <> 'waiting' and d.ended_at < now() - $1::float8 * interval '1 day'`;

export async function selectTasksBeyond(db: Queryable, keep: KeepBounds, most: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(`select t.id from ${tasksBeyond} order by ${endedAt}, t.id limit $3`, [keep.days, keep.count, most]);
  return rows.map((row) => row.id);
}

export async function selectTasksWithFilesBeyond(db: Queryable, keep: FileBounds, most: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(`select t.id from ${filesBeyond} order by t.id limit $3`, [keep.days, keep.bytes, most]);
  return rows.map((row) => row.id);
}

export interface FileBounds {
  readonly days: number | null;
  readonly bytes: number | null;
}

/** Removes the records of tasks that are still ended; their events, outputs and callbacks go with them. Returns how many. */
export async function deleteEndedTasks(db: Queryable, taskIds: readonly string[]): Promise<number> {
  const { rowCount } = await db.query(`delete from tasks where id = any($1) and phase in ('finished', 'cancelled')`, [taskIds]);
  return rowCount ?? 0;
}

/** Removes all events but the last of each of up to `most` tasks. Returns the number of events. */
export async function deleteEventsBeyond(db: Queryable, keep: KeepBounds, most: number): Promise<number> {
  const { rowCount } = await db.query(
    `with beyond as (select t.id, t.last_event_seq from ${tasksBeyond} and ${hasEvents} order by ${endedAt}, t.id limit $3)
     delete from task_events e using beyond where e.task_id = beyond.id and e.seq < beyond.last_event_seq`,
    [keep.days, keep.count, most],
  );
  return rowCount ?? 0;
}

export async function deleteDeliveriesBeyond(db: Queryable, days: number, most: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from deliveries where id in (select d.id from ${deliveriesBeyond} order by d.ended_at, d.id limit $2)`,
    [days, most],
  );
  return rowCount ?? 0;
}

/** What a whole run of upkeep would remove. */
export interface Prunable {
  readonly tasks: number;
  readonly events: number;
  readonly files: number;
  readonly fileBytes: number;
  readonly deliveries: number;
}

interface PrunableRow {
  tasks: string;
  events: string;
  files: string;
  file_bytes: string;
  deliveries: string;
}

export async function countPrunable(
  db: Queryable,
  keep: { tasks: KeepBounds; events: KeepBounds; files: FileBounds; deliveryDays: number | null },
): Promise<Prunable> {
  const one = async <Row extends object>(text: string, values: unknown[]): Promise<Row | undefined> => (await db.query<Row>(text, values)).rows[0];
  const tasks = await one<PrunableRow>(`select count(*) as tasks from ${tasksBeyond}`, [keep.tasks.days, keep.tasks.count]);
  const events = await one<PrunableRow>(`select coalesce(sum(t.last_event_seq - 1), 0) as events from ${tasksBeyond} and ${hasEvents}`, [
    keep.events.days,
    keep.events.count,
  ]);
  const files = await one<PrunableRow>(
    `select coalesce(sum(o.files), 0) as files, coalesce(sum(o.bytes), 0) as file_bytes from ${filesBeyond} and ${hasOutputs}`,
    [keep.files.days, keep.files.bytes],
  );
  const deliveries = await one<PrunableRow>(`select count(*) as deliveries from ${deliveriesBeyond}`, [keep.deliveryDays]);
  return {
    tasks: Number(tasks?.tasks),
    events: Number(events?.events),
    files: Number(files?.files),
    fileBytes: Number(files?.file_bytes),
    deliveries: Number(deliveries?.deliveries),
  };
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
