-- What the catalogue's statistics read of an ended task, without its wide row.
create index tasks_ended on tasks (model) include (status, pexit, elapsed_seconds, created_at)
  where status in ('task_postprocess_end', 'task_cancel');
