// The statement by which workers take tasks: whose turn it is, within which limits, and which of those projects' tasks.

import { announceEvent, appendEvent } from "./moved-rows.ts";

/** Parameters: $1 worker id, $2 models it can run, $3 lease in ms, $4 models whose base and adapter it has loaded, $5 models
 *  of which it has the base, $6 how long a warm model may pass a cold one in ms, $7 age of a turn in ms, $8 free places,
 *  $9 all its places.
 *
 *  It reads a few entries of indexes, whatever the tables hold: `waiting_project` steps from project to project through
 *  `tasks_waiting` (a loose index scan, https://wiki.postgresql.org/wiki/Loose_indexscan), then there is one probe for each
 *  model. Every probe compares project and model with one value each and takes the first by id: only then is `tasks_waiting`
 *  the cheapest plan under any statistics. As joins and semi-joins the same probes read 100,000 entries, or walked the
 *  primary key over 1,000,000 ended tasks (2 s), depending on when the table had been analyzed.
 *
 *  The places are given out as if one after the other: each to the project that has then the fewest running tasks, among
 *  equals to the one that was served longest ago. A project's first place has its number of running tasks as rank, its second
 *  one more, and so on; the lowest ranks win. Of the projects only as many as there are places can be among them.
 *
 *  The projects' rows are locked, in one order for all claims, and their leased tasks are counted in the statement's snapshot.
 *  The count is right when no other claim came between the snapshot and the lock, which the row's own count of claims tells:
 *  under READ COMMITTED a row is read anew once its lock is had. Otherwise that project is left out, and where nothing else
 *  was taken the claim says so (`contended`) and is asked again. One that took nothing while tasks wait of models that
 *  the worker can run was kept from them by the limits of their projects (`heldBack`); each end of a task may change that. Tasks that end
 *  meanwhile make the count too high, never too low; so nothing that ends a task has to touch this row, and tasks of one project end side by side. A claim waits for no
 *  task (`skip locked`), so that locks are never waited for in a circle; of each model it takes those that are the oldest
 *  once it has the project's lock.
 *
 *  A place is free when its engine is done, though the end of its run is not yet written and the project not yet charged. Of a
 *  project with a budget a worker has no more leased tasks than places all the same, so that it passes the budget by no more. */
const text = `
  with recursive waiting_project (project_id) as (
    (select project_id from tasks where phase = 'waiting' order by project_id limit 1)
    union all
    select (select t.project_id from tasks t where t.phase = 'waiting' and t.project_id > w.project_id
             order by t.project_id limit 1)
      from waiting_project w where w.project_id is not null
  ), chosen as materialized (
    select u.project_id, u.claims, served.at as last_claim_at, least(p.running_limit - leased.running, case when p.budget is not null then $9::bigint - leased.ours end, $8) as room,
           -- A project that was not served for a while counts as one with none.
           case when served.at >= now() - $7 * interval '1 millisecond' then leased.running else 0 end as rank
      from waiting_project w join project_usage u using (project_id) join projects p on p.id = u.project_id
           cross join lateral (
             select count(*) as running, count(*) filter (where t.worker_id = $1) as ours from tasks t where t.phase = 'leased' and t.project_id = u.project_id
           ) leased
           -- A time that is yet to come was written before the database's clock went back: nobody knows when that was.
           cross join lateral (select case when u.last_claim_at < now() + $7 * interval '1 millisecond' then u.last_claim_at end as at) served
     where (p.running_limit is null or leased.running < p.running_limit) and (p.budget is null or u.spent < p.budget and coalesce(leased.ours < $9::bigint, true))
       and exists (
         select from unnest($2::text[]) as offered (model)
          where (select t.id from tasks t
                  where t.phase = 'waiting' and t.project_id = u.project_id and t.model = offered.model
                  order by t.id limit 1) is not null)
     order by rank, served.at nulls first, u.project_id
     limit $8
  ), turn as materialized (
    select chosen.*
      from chosen join project_usage u on u.project_id = chosen.project_id join projects p on p.id = u.project_id
     where (p.running_limit is null or u.claims = chosen.claims) and (p.budget is null or u.spent < p.budget)
     order by u.project_id
       for no key update of u
  ), waiting as (
    select turn.*, task.id, task.model, row_number() over (
             partition by turn.project_id
             order by task.has_waited desc,
                      case when task.has_waited or task.model = any($4) then 0 when task.model = any($5) then 1 else 2 end,
                      task.id
           ) as number
      from turn cross join unnest($2::text[]) as offered (model)
           cross join lateral (
             select t.id, t.model, t.created_at < now() - $6 * interval '1 millisecond' as has_waited
               from tasks t where t.phase = 'waiting' and t.project_id = turn.project_id and t.model = offered.model
              order by t.id limit $8
           ) task
  ), place as (
    -- Whoever has just been given a place was served last.
    select project_id, model from waiting where number <= room
     order by rank + number, case when number = 1 then coalesce(last_claim_at, '-infinity') else 'infinity' end, project_id, number
     limit $8
  ), share as materialized (
    select project_id, model, count(*) as places from place group by project_id, model
  ), candidate as materialized (
    select task.id
      from share cross join lateral (
             select t.id from tasks t
              where t.phase = 'waiting' and t.project_id = share.project_id and t.model = share.model
              order by t.id limit share.places for update skip locked
           ) task
  ), moved as (
    update tasks t
       set status = 'task_accept', attempt = t.attempt + 1, worker_id = $1, accepted_at = now(),
           lease_expires_at = now() + $3 * interval '1 millisecond',
           deadline_at = now() + t.run_limit_ms * interval '1 millisecond', last_event_seq = t.last_event_seq + 1
      from candidate where t.id = candidate.id
    returning t.*
  ), served as (
    update project_usage u set claims = u.claims + taken.tasks, last_claim_at = now()
      from (select project_id, count(*) as tasks from moved group by project_id) taken where u.project_id = taken.project_id
  ), ${appendEvent("'task_accept'", "null")}
  select moved.id, moved.attempt, moved.token, moved.model, moved.input, moved.output_folder_id as "outputFolderId",
         moved.engine_failures as "engineFailures", moved.last_event_seq as "eventSeq", moved.id is null and exists (select from chosen) as contended,
         moved.id is null and exists (
           select from waiting_project w cross join unnest($2::text[]) as offered (model)
            where (select t.id from tasks t
                    where t.phase = 'waiting' and t.project_id = w.project_id and t.model = offered.model
                    order by t.id limit 1) is not null) as "heldBack",
         ${announceEvent}
    from (select) as always left join moved on true
   order by moved.id`;

export const claimStatement = { name: "claim", text };
