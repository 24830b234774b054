-- What a repeated Run is answered with, and how long a task may wait and run.

-- Pruned after limits.idempotencyKeyMs.
create table idempotency_keys (
  project_id bigint not null references projects (id) on delete cascade,
  key text not null,
  -- SHA-256 of the model and the body's fields.
  fingerprint bytea not null,
  task_id bigint not null references tasks (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (project_id, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);
create index idempotency_keys_task on idempotency_keys (task_id);

alter table tasks
  -- The model's deadlines as they were when the task was created; null: none.
  add column queue_limit_ms bigint,
  add column run_limit_ms bigint,
  -- When it is ended in the phase it is in: in the queue by the first, leased by the second.
  add column deadline_at timestamptz;
create index tasks_deadline on tasks (phase, deadline_at) where deadline_at is not null and phase in ('waiting', 'leased');
