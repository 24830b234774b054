-- Which workers live and what they can run: what the estimate of a start is made of. Nothing else depends on it, so it may be
-- lost with a crash, and no write of it waits for the disk.
create unlogged table workers (
  worker_id text primary key,
  models text[] not null,
  -- Tasks that it can run at once.
  places integer not null,
  seen_at timestamptz not null default now()
);
