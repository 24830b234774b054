-- Claims that keep each project's limits and share workers fairly, and indexes that a task's moves do not touch.

-- What the indexes are about. A move between two leased statuses changes no indexed column, so PostgreSQL rewrites the row in
-- its page (a HOT update) and leaves every index alone: of the eleven statuses of a life two change the indexes.
alter table tasks
  add column phase text not null generated always as (
    case when status = 'task_queue' then 'waiting'
         when status = 'task_postprocess_end' then 'finished'
         when status = 'task_cancel' then 'cancelled'
         else 'leased' end) stored;

drop index tasks_waiting, tasks_leased, tasks_ended;
create index tasks_waiting on tasks (project_id, model, id) where phase = 'waiting';
create index tasks_leased on tasks (lease_expires_at) where phase = 'leased';
create index tasks_running on tasks (project_id) where phase = 'leased';
-- What the catalogue's statistics read of an ended task, without its wide row.
create index tasks_ended on tasks (model) include (phase, pexit, elapsed_seconds, created_at)
  where phase in ('finished', 'cancelled');
-- Room for HOT updates; and the claim walks over dead entries of tasks_waiting until they are vacuumed.
alter table tasks set (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);

alter table projects
  -- Tasks that may be leased at once; null: as many as there are workers.
  add column running_limit integer check (running_limit > 0),
  -- Tasks that may wait beside them before Run refuses; null: any number.
  add column waiting_limit integer check (waiting_limit >= 0),
  -- What its ended tasks may cost in all before nothing more is started; null: any amount.
  add column budget numeric(24, 12) check (budget >= 0);

-- Where a project stands with its claims. A claim locks this row.
create table project_usage (
  project_id bigint primary key references projects (id) on delete cascade,
  -- Claims so far: by it a claim sees whether another came between its snapshot and its lock.
  claims bigint not null default 0,
  -- Whose turn it is: the project that was served longest ago.
  last_claim_at timestamptz,
  -- The sum of its ledger, kept while the project has a budget.
  spent numeric(24, 12) not null default 0
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
insert into project_usage (project_id) select id from projects;

create function open_project_usage() returns trigger language plpgsql as $$
begin
  insert into project_usage (project_id) values (new.id);
  return null;
end
$$;
create trigger projects_open_usage after insert on projects for each row execute function open_project_usage();

create index ledger_project on ledger (project_id) include (amount);
