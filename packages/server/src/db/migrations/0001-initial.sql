-- Projects, keys, tasks, their events, outputs and ledger lines. Works on PostgreSQL 15 and later.

create table projects (
  id bigint generated always as identity primary key,
  -- The account identifier that the wire repeats on tasks and outputs.
  uuid uuid not null,
  name text not null,
  auth text not null check (auth in ('signature', 'key')),
  created_at timestamptz not null default now()
);

create table api_keys (
  api_key text primary key,
  project_id bigint not null references projects (id) on delete cascade,
  -- Encrypted (AES-256-GCM); null for key-only projects.
  secret_sealed bytea,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);
create index api_keys_project on api_keys (project_id);

create table tasks (
  id bigint generated always as identity (start with 1001) primary key,
  project_id bigint not null references projects (id),
  token text not null unique,
  model text not null,             -- clean 'owner/slug'
  model_id text not null,
  variant text,                    -- the variant that ran it, once a worker has chosen
  status text not null,
  attempt integer not null default 0,
  worker_id text,
  lease_expires_at timestamptz,
  lost_leases integer not null default 0,
  engine_failures integer not null default 0,
  parameters jsonb not null,       -- the request as it came, echoed on the wire
  input jsonb not null,            -- validated values, seed drawn
  callback_url text not null default '',
  cps numeric(24, 12) not null,
  -- From accept to the end of the engine run; 0 until then.
  elapsed_seconds numeric(14, 4) not null default 0,
  total_cost numeric(24, 12) not null default 0,
  pexit text,
  debug_output text not null default '',
  debug_error text not null default '',
  provenance jsonb,                -- variant, weights hashes, sizes: what redoes the picture
  output_folder_id text not null,  -- 32 hex, 'parentid' of the outputs
  last_event_seq integer not null default 0,
  created_at timestamptz not null default now(),
  accepted_at timestamptz,
  preprocess_started_at timestamptz,
  preprocess_ended_at timestamptz,
  assigned_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  postprocess_started_at timestamptz,
  postprocess_ended_at timestamptz,
  cancelled_at timestamptz
);
create index tasks_waiting on tasks (id) where status = 'task_queue';
create index tasks_leased on tasks (lease_expires_at)
  where status not in ('task_queue', 'task_postprocess_end', 'task_cancel');
create index tasks_project on tasks (project_id, id);

create table task_events (
  task_id bigint not null references tasks (id) on delete cascade,
  seq integer not null,
  attempt integer not null,
  type text not null,
  data jsonb,
  created_at timestamptz not null default now(),
  primary key (task_id, seq)
);

create table outputs (
  id text primary key,             -- 32 hex
  task_id bigint not null references tasks (id) on delete cascade,
  position integer not null,       -- 0.png, 1.png, ...
  name text not null,
  content_type text not null,
  size_bytes bigint not null,
  access_key text not null unique, -- 30 letters and digits
  file_key text not null unique,   -- where the bytes are, and the unguessable folder of the URL
  created_at timestamptz not null default now(),
  unique (task_id, position)
);

-- Append-only: one line for each task that ended with pexit '0'.
create table ledger (
  id bigint generated always as identity primary key,
  task_id bigint not null unique references tasks (id),
  project_id bigint not null references projects (id),
  amount numeric(24, 12) not null,
  created_at timestamptz not null default now()
);
