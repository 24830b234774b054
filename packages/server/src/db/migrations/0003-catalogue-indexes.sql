-- What the catalogue's statistics read of an ended task, without its wide row: 130 ms in place of 500 for 300,000 tasks.
create index tasks_ended on tasks (model) include (status, pexit, elapsed_seconds, created_at)
  where status in ('task_postprocess_end', 'task_cancel');
