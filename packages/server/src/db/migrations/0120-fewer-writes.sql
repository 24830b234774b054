-- Fewer writes for each step of a task (docs/adr/0008-statements-of-many.md).

-- Events are inserted by the statements that move their task and hold its row, so that a check of the reference for each of a
-- life's fourteen events can fail for none. They still go with their task, all at once.
alter table task_events drop constraint task_events_task_id_fkey;
create function delete_events() returns trigger language plpgsql as $$
begin
  delete from task_events using gone where task_events.task_id = gone.id;
  return null;
end
$$;
create trigger tasks_delete_events after delete on tasks
  referencing old table as gone for each statement execute function delete_events();

-- A renewed lease is then a HOT update as well, and a claim writes one entry less: whoever looks for expired leases reads all
-- leased tasks, of which there are as many as places of workers.
drop index tasks_leased;
