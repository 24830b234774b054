// What must hold of every task, whatever happened to its workers. Shared by the simulation and the crash tests.

import { allowedMoves, statuses } from "@atelier/schema/status";

import type { Queryable } from "../../packages/server/src/db/queryable.ts";
import { limits } from "../../packages/server/src/limits.ts";

const moves = statuses.flatMap((from) => allowedMoves[from].map((to) => `('${from}', '${to}')`)).join(", ");

/** One statement per promise; each returns the ids of tasks, or of projects, that break it. */
const promises: Record<string, string> = {
  "every task has ended": `
    select id from tasks where status not in ('task_postprocess_end', 'task_cancel')`,
  "a task has exactly one terminal event, its last": `
    select t.id from tasks t left join task_events e on e.task_id = t.id and e.type in ('task_postprocess_end', 'task_cancel')
     group by t.id, t.last_event_seq, t.status
    having count(e.seq) <> 1 or max(e.seq) <> t.last_event_seq or max(e.type) <> t.status`,
  "events are numbered without a gap": `
    select t.id from tasks t join task_events e on e.task_id = t.id
     group by t.id, t.last_event_seq having count(*) <> t.last_event_seq or min(e.seq) <> 1 or max(e.seq) <> t.last_event_seq`,
  "every step is one of the table of moves": `
    select task_id as id from (
      select task_id, type, lag(type) over (partition by task_id order by seq) as before from task_events) as steps
     where before is not null and (before, type) not in (${moves})`,
  "attempts never fall, and grow by one with each claim": `
    select task_id as id from (
      select task_id, type, attempt, lag(attempt) over (partition by task_id order by seq) as before from task_events) as steps
     where before is not null and attempt <> before + case when type = 'task_accept' then 1 else 0 end`,
  "no attempt is credited with another one's report": `
    select task_id as id from task_events where data ? 'reporter' and (data ->> 'reporter')::integer <> attempt
     union all
    select t.id from tasks t join outputs o on o.task_id = t.id
     where o.name like '%-%.png' and split_part(o.name, '-', 1) <> t.attempt::text`,
  // The failure that reaches the limit ends the task, uncounted.
  "no task loses more leases or engines than the limits say": `
    select id from tasks where lost_leases > ${limits.lostLeases} or engine_failures >= ${limits.engineFailures}`,
  "only a task that ended well has outputs": `
    select distinct t.id from tasks t join outputs o on o.task_id = t.id
     where t.status <> 'task_postprocess_end' or t.pexit is distinct from '0'`,
  "a task that ended well has its outputs once": `
    select t.id from tasks t left join outputs o on o.task_id = t.id
     where t.pexit = '0' group by t.id having count(o.id) <> count(distinct o.position) or count(o.id) = 0`,
  "a task that ended well has one ledger line of its cost, and no other task has one": `
    select t.id from tasks t full join ledger l on l.task_id = t.id
     where (t.pexit = '0') is distinct from (l.id is not null) and (t.pexit is not null or l.id is not null)
        or l.amount <> t.total_cost`,
  "a task that ended well costs its seconds, its run and its outputs as they were priced": `
    select id from tasks t
     where pexit = '0' and (elapsed_seconds, total_cost) is distinct from (
       round(extract(epoch from ended_at - accepted_at), 4),
       round(cps * round(extract(epoch from ended_at - accepted_at), 4) + request_price
             + output_price * greatest(1, (select count(*) from outputs o where o.task_id = t.id)), 12))`,
  "a task that did not end well costs nothing": `
    select id from tasks where pexit is distinct from '0' and total_cost <> 0`,
  "the ledger's sum is the sum of the tasks' costs, of every project": `
    select p.id from projects p
     where (select coalesce(sum(amount), 0) from ledger where project_id = p.id)
        <> (select coalesce(sum(total_cost), 0) from tasks where project_id = p.id)`,
  "what a project with a budget has spent is the sum of its ledger": `
    select u.project_id as id from project_usage u join projects p on p.id = u.project_id
     where p.budget is not null and u.spent <> (select coalesce(sum(amount), 0) from ledger where project_id = u.project_id)`,
  "an ended task is held by nobody": `
    select id from tasks where status in ('task_postprocess_end', 'task_cancel')
       and (worker_id is not null or lease_expires_at is not null)`,
};

const acknowledgedExist = "every acknowledged run exists";

export const promiseNames: readonly string[] = [...Object.keys(promises), acknowledgedExist];

/** Descriptions of what is broken; empty when all is well. `acknowledged`: ids that callers were given. */
export async function brokenPromises(db: Queryable, acknowledged: readonly string[]): Promise<string[]> {
  const broken: string[] = [];
  for (const [promise, statement] of Object.entries(promises)) {
    const { rows } = await db.query<{ id: string }>(statement);
    if (rows.length > 0) broken.push(`${promise}: not ${rows.map((row) => row.id).slice(0, 5).join(", ")}`);
  }
  const known = await db.query<{ id: string }>(`select id from tasks where id = any($1::bigint[])`, [acknowledged]);
  const missing = new Set(acknowledged);
  for (const row of known.rows) missing.delete(row.id);
  if (missing.size > 0) broken.push(`${acknowledgedExist}: not ${[...missing].slice(0, 5).join(", ")}`);
  return broken;
}

/** What is broken of a project's limits at this moment. */
export async function brokenLimits(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ what: string }>(
    `select 'project ' || p.id || ' runs ' || leased || ' and has ' || open || ' open' as what
       from projects p join lateral (
         select count(*) filter (where phase = 'leased') as leased, count(*) as open
           from tasks t where t.project_id = p.id and phase in ('waiting', 'leased')
       ) as now on true
      where leased > p.running_limit or open > p.running_limit + p.waiting_limit`,
  );
  return rows.map((row) => row.what);
}

/** Budgets that were passed by more than one running task of each place of the workers. */
export async function brokenBudgets(db: Queryable, places: number): Promise<string[]> {
  const { rows } = await db.query<{ what: string }>(
    `select 'project ' || project_id || ' was charged ' || count(*) || ' times after its budget was spent' as what
       from (select l.project_id, p.budget, sum(l.amount) over (partition by l.project_id order by l.id) - l.amount as before
               from ledger l join projects p on p.id = l.project_id) as lines
      where before >= budget group by project_id having count(*) > $1`,
    [places - 1],
  );
  return rows.map((row) => row.what);
}

/** What workers and callers were told and the tables do not say. `written`: steps by task and attempt (`12:1`), told to the attempt
 *  that reported them; `stopped`: tasks whose Cancel or Kill was answered by yes. */
export async function brokenAnswers(
  db: Queryable,
  { written, stopped }: { written: ReadonlyMap<string, number>; stopped: readonly string[] },
): Promise<string[]> {
  const { rows } = await db.query<{ attempt: string; steps: number }>(
    `select task_id || ':' || attempt as attempt, count(*)::integer as steps from task_events where data ? 'reporter' group by task_id, attempt`,
  );
  const known = new Map(rows.map(({ attempt, steps }) => [attempt, steps]));
  const missing = [...written].filter(([attempt, steps]) => steps > (known.get(attempt) ?? 0)).map(([attempt]) => attempt);
  const going = await db.query<{ id: string }>(`select id from tasks where id = any($1::bigint[]) and status <> 'task_cancel'`, [stopped]);
  const broken: string[] = [];
  if (missing.length > 0) broken.push(`steps that a worker was told to be written are: not of ${missing.slice(0, 5).join(", ")}`);
  if (going.rows.length > 0) broken.push(`a task whose Cancel or Kill was answered by yes is cancelled: not ${going.rows.map(({ id }) => id).join(", ")}`);
  return broken;
}
