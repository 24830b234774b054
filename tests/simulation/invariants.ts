// What must hold of every task, whatever happened to its workers. Shared by the simulation and the crash tests.

import type { Queryable } from "../../packages/server/src/db/queryable.ts";

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
