-- Outputs that the input of a task names, of other tasks: retention spares them while that task waits or runs, as it does uploads
-- (task_files).
create table task_outputs (
  task_id bigint not null references tasks (id) on delete cascade,
  output_id text not null references outputs (id) on delete cascade,
  primary key (task_id, output_id)
);

create index task_outputs_output on task_outputs (output_id);
