// The statement by which a worker takes a task: whose turn it is, within which limits, and which of that project's tasks.

import { announceEvent, appendEvent } from "./moved-rows.ts";

/** Parameters: $1 worker id, $2 models it can run, $3 lease in ms, $4 models whose base and adapter it has loaded, $5 models
 *  of which it has the base, $6 how long a warm model may pass a cold one in ms, $7 age of a turn in ms.
 *
 *  It reads a few entries of indexes, whatever the tables hold: `waiting_project` steps from project to project through
 *  `tasks_waiting` (a loose index scan, https://wiki.postgresql.org/wiki/Loose_indexscan), then there is one probe for each
 *  model. Every probe compares project and model with one value each and takes the first by id: only then is `tasks_waiting`
 *  the cheapest plan under any statistics. As joins and semi-joins the same probes read 100,000 entries, or walked the
 *  primary key over 1,000,000 ended tasks (2 s), depending on when the table had been analyzed.
 *
 *  The project's row is locked, and its leased tasks are counted in the statement's snapshot. The count is right when no other
 *  claim came between the snapshot and the lock, which the row's own count of claims tells: under READ COMMITTED a row is
 *  read anew once its lock is had. Otherwise the claim says so (`contended`) and is asked again. Tasks that end meanwhile make
 *  the count too high, never too low; so nothing that ends a task has to touch this row, and tasks of one project end side
 *  by side. A claim waits for no task (`skip locked`), so that locks are never waited for in a circle. */
const claimStatement = (lock: "" | "skip locked"): string => `
  with recursive waiting_project (project_id) as (
    (select project_id from tasks where phase = 'waiting' order by project_id limit 1)
    union all
    select (select t.project_id from tasks t where t.phase = 'waiting' and t.project_id > w.project_id
             order by t.project_id limit 1)
      from waiting_project w where w.project_id is not null
  ), chosen as materialized (
    select u.project_id, u.claims
      from waiting_project w join project_usage u using (project_id) join projects p on p.id = u.project_id
           cross join lateral (
             select count(*) as running from tasks t where t.phase = 'leased' and t.project_id = u.project_id
           ) leased
     where (p.running_limit is null or leased.running < p.running_limit) and (p.budget is null or u.spent < p.budget)
       and exists (
         select from unnest($2::text[]) as offered (model)
          where (select t.id from tasks t
                  where t.phase = 'waiting' and t.project_id = u.project_id and t.model = offered.model
                  order by t.id limit 1) is not null)
     -- The fewest running tasks, then the turn. A project that was not served for a while counts as one with none.
     order by case when u.last_claim_at < now() - $7 * interval '1 millisecond' then 0 else leased.running end,
              u.last_claim_at nulls first, u.project_id
     limit 1
  ), turn as materialized (
    select u.project_id from project_usage u join projects p on p.id = u.project_id
     where u.project_id = (select project_id from chosen)
       and (p.running_limit is null or u.claims = (select claims from chosen))
       and (p.budget is null or u.spent < p.budget)
       for no key update of u ${lock}
  ), head as materialized (
    select oldest.project_id, oldest.model
      from turn cross join unnest($2::text[]) as offered (model)
           cross join lateral (
             select t.id, t.project_id, t.model, t.created_at < now() - $6 * interval '1 millisecond' as has_waited
               from tasks t where t.phase = 'waiting' and t.project_id = turn.project_id and t.model = offered.model
              order by t.id limit 1
           ) oldest
     order by oldest.has_waited desc,
              case when oldest.has_waited or oldest.model = any($4) then 0 when oldest.model = any($5) then 1 else 2 end,
              oldest.id
     limit 1
  ), candidate as materialized (
    select t.id from tasks t
     where t.phase = 'waiting' and t.project_id = (select project_id from head) and t.model = (select model from head)
     order by t.id limit 1 for update skip locked
  ), moved as (
    update tasks t
       set status = 'task_accept', attempt = t.attempt + 1, worker_id = $1, accepted_at = now(),
           lease_expires_at = now() + $3 * interval '1 millisecond',
           deadline_at = now() + t.run_limit_ms * interval '1 millisecond', last_event_seq = t.last_event_seq + 1
      from candidate where t.id = candidate.id
    returning t.*
  ), served as (
    update project_usage u set claims = claims + 1, last_claim_at = now() from moved where u.project_id = moved.project_id
  ), ${appendEvent("'task_accept'", "null")}
  select moved.id, moved.attempt, moved.token, moved.model, moved.input, moved.output_folder_id as "outputFolderId",
         moved.engine_failures as "engineFailures", chosen.project_id is not null and moved.id is null as contended,
         ${announceEvent}
    from (select) as always left join chosen on true left join moved on true`;

/** Waits for a project's row when another claim has it. */
export const waitingClaim = claimStatement("");

/** Takes such a project for contended: for the second claim of a transaction, which holds a row already. */
export const hastyClaim = claimStatement("skip locked");
