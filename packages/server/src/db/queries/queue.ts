// Statements that look at the whole queue: what waits, what runs, and who could run it. Never about one task, so that any
// number of callers can be told from one look (tasks/queue-look.ts).

import type { Queryable } from "../queryable.ts";
import type { WorkerOffer } from "./workers.ts";

/** The waiting tasks of one project and model, which are claimed in the order of their ids. */
export interface WaitingGroup {
  readonly projectId: string;
  readonly model: string;
  readonly waiting: number;
  /** Ids of the first `firstIds` of them, of every `everyId`-th, and of the newest: `[place, id]`, places from 1. */
  readonly samples: readonly (readonly [place: number, id: number])[];
}

/** One pass over the index `tasks_waiting`, in its order: 100,000 waiting tasks take 0.14 s on
 *  two busy cores (`node benchmarks/queue/queue-look.mjs`). */
export const waitingStatement = `
  select project_id as "projectId", model, count(*)::integer as waiting, max(id)::float8 as newest,
         json_agg(json_build_array(place, id) order by place) filter (where place <= $1 or place % $2 = 0) as samples
    from (select project_id, model, id, row_number() over (partition by project_id, model order by id) as place
            from tasks where phase = 'waiting') as numbered
   group by project_id, model`;

export async function selectWaiting(db: Queryable, sampling: { firstIds: number; everyId: number }): Promise<WaitingGroup[]> {
  const { rows } = await db.query<WaitingGroup & { newest: number }>(waitingStatement, [sampling.firstIds, sampling.everyId]);
  return rows.map(({ newest, ...group }) => ({ ...group, samples: [...(group.samples ?? []), [group.waiting, newest]] }));
}

export interface RunningTask {
  readonly workerId: string;
  readonly projectId: string;
  readonly model: string;
  /** Since a worker took it. */
  readonly ageSeconds: number;
}

export async function selectRunning(db: Queryable): Promise<RunningTask[]> {
  const { rows } = await db.query<RunningTask>(
    `select worker_id as "workerId", project_id as "projectId", model,
            extract(epoch from clock_timestamp() - accepted_at)::float8 as "ageSeconds"
       from tasks where phase = 'leased'`,
  );
  return rows;
}

export async function selectLiveWorkers(db: Queryable, goneMs: number): Promise<WorkerOffer[]> {
  const { rows } = await db.query<WorkerOffer>(
    `select worker_id as "workerId", models, places from workers where seen_at >= now() - $1 * interval '1 millisecond'`,
    [goneMs],
  );
  return rows;
}

/** Where a project with waiting tasks stands with its claims. */
export interface ProjectStanding {
  readonly projectId: string;
  readonly lastClaimAt: Date | null;
  readonly runningLimit: number | null;
  readonly isSpent: boolean;
}

export async function selectStandings(db: Queryable): Promise<{ at: Date; standings: ProjectStanding[] }> {
  const { rows } = await db.query<ProjectStanding & { at: Date }>(
    `select p.id as "projectId", u.last_claim_at as "lastClaimAt", p.running_limit as "runningLimit",
            p.budget is not null and u.spent >= p.budget as "isSpent", clock_timestamp() as at
       from projects p join project_usage u on u.project_id = p.id`,
  );
  return { at: rows[0]?.at ?? new Date(), standings: rows };
}

/** Mean seconds from claim to end, by model, over the newest `most` ended tasks that ended well. */
export async function selectRunSeconds(db: Queryable, most: number): Promise<Map<string, number>> {
  const { rows } = await db.query<{ model: string; seconds: number }>(
    `select model, avg(extract(epoch from postprocess_ended_at - accepted_at))::float8 as seconds
       from (select model, pexit, postprocess_ended_at, accepted_at from tasks where phase in ('finished', 'cancelled')
              order by coalesce(cancelled_at, postprocess_ended_at) desc, id desc limit $1) as newest
      where pexit = '0' group by model`,
    [most],
  );
  return new Map(rows.map(({ model, seconds }) => [model, seconds]));
}
