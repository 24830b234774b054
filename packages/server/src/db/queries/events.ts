// Statements that read the event log of tasks.

import { terminalStatuses } from "@atelier/schema/status";
import type { Status } from "@atelier/schema/status";

import type { Queryable } from "../queryable.ts";

/** The largest number that an event can have. */
export const largestSeq = 2 ** 31 - 1;

/** One line of a task's event log. `seq` counts from 1 without gaps. */
export interface TaskEvent {
  readonly seq: number;
  readonly attempt: number;
  readonly type: Status;
  readonly data: unknown;
}

/** What happened to one task since a sequence number. */
export interface TaskNews {
  readonly taskId: string;
  /** In order, at most as many as were asked for. */
  readonly events: TaskEvent[];
  /** No event will ever follow the newest one. */
  readonly isOver: boolean;
  /** There is no such task (any more). */
  readonly isGone: boolean;
}

interface NewsRow {
  taskId: string;
  seq: number | null;
  attempt: number;
  type: Status;
  data: unknown;
  isOver: boolean;
  isGone: boolean;
}

/** Events after a sequence number for many tasks at once, and which of these tasks have ended; all as of one moment. A task
 *  that goes on and has no news is not in the answer. An event and its status change are one commit (moves.ts), so whoever
 *  sees the last event here finds the task ended from then on. */
export async function selectNews(
  db: Queryable,
  watched: readonly { taskId: string; afterSeq: number }[],
  eventsPerTask: number,
): Promise<TaskNews[]> {
  const { rows } = await db.query<NewsRow>(newsStatement, [
    watched.map((task) => task.taskId),
    watched.map((task) => task.afterSeq),
    eventsPerTask,
    terminalStatuses,
  ]);
  return gather(rows);
}

/** Asked several times for each picture that is followed: planning it takes several times as long as running it
 *  (benchmarks/capacity/calibrate.mjs, `look`). */
const newsStatement = { name: "news", text: `
  select w.task_id::text as "taskId", e.seq, e.attempt, e.type, e.data,
         t.status = any($4) as "isOver", t.id is null as "isGone"
    from unnest($1::bigint[], $2::integer[]) as w (task_id, after_seq)
    left join tasks t on t.id = w.task_id
    left join lateral (
      select seq, attempt, type, data from task_events
       where task_id = w.task_id and seq > w.after_seq order by seq limit $3
    ) e on true
   where e.seq is not null or t.id is null or t.status = any($4)
   order by w.task_id, e.seq` };

export interface TokenTask {
  readonly id: string;
  readonly projectId: string;
  /** Of its newest event. */
  readonly lastSeq: number;
  /** No event will ever follow that one. */
  readonly isOver: boolean;
}

/** The task that a token names, whoever owns it: the token is the permission. */
export async function selectTaskByToken(db: Queryable, token: string): Promise<TokenTask | undefined> {
  if (!/^[A-Za-z0-9]{1,64}$/.test(token)) return undefined;
  const { rows } = await db.query<TokenTask>(
    `select id, project_id as "projectId", last_event_seq as "lastSeq", status = any($2) as "isOver" from tasks where token = $1`,
    [token, terminalStatuses],
  );
  return rows[0];
}

function gather(rows: readonly NewsRow[]): TaskNews[] {
  const news = new Map<string, TaskNews>();
  for (const { taskId, seq, attempt, type, data, isOver, isGone } of rows) {
    const known = news.get(taskId) ?? { taskId, events: [], isOver: isOver === true, isGone };
    if (seq !== null) known.events.push({ seq, attempt, type, data });
    news.set(taskId, known);
  }
  return [...news.values()];
}
