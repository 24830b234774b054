-- What upkeep removes, and what stays of it.

-- A ledger line outlives its task: what was charged stays written when the record of the task is removed for its age.
alter table ledger drop constraint ledger_task_id_fkey;

-- Ended tasks, the oldest end first: what is removed for its age or its number.
create index tasks_ended_at on tasks (coalesce(cancelled_at, postprocess_ended_at), id) where phase in ('finished', 'cancelled');

-- Deliveries that have ended, the same.
create index deliveries_ended on deliveries (ended_at, id) where status <> 'waiting';
