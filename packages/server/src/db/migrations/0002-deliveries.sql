-- Callbacks: one delivery for each ended task that asked for one, its tries, and the secrets that sign them.

create table deliveries (
  id bigint generated always as identity primary key,
  -- The webhook-id header: the same for every try, so that a receiver can tell a repetition.
  message_id text not null unique default 'msg_' || replace(gen_random_uuid()::text, '-', ''),
  task_id bigint not null unique references tasks (id) on delete cascade,
  project_id bigint not null references projects (id),
  url text not null,
  status text not null default 'waiting' check (status in ('waiting', 'delivered', 'abandoned')),
  -- Tries so far. With it a try proves that it is the newest: a late outcome of an older one changes nothing.
  attempt integer not null default 0,
  -- Failed tries since it was created or last redelivered: the place in the schedule of waits.
  failures integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  -- While a sender is at work; when it has run out, the sender died.
  lease_expires_at timestamptz,
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
create index deliveries_due on deliveries (next_attempt_at, id) where status = 'waiting';
create index deliveries_project on deliveries (project_id, id);

-- What became of each try. Never what was sent or answered.
create table delivery_attempts (
  delivery_id bigint not null references deliveries (id) on delete cascade,
  attempt integer not null,
  started_at timestamptz not null default now(),
  -- Null while it is under way, and for ever when its sender died.
  duration_ms integer,
  http_status integer,
  error_class text,
  primary key (delivery_id, attempt)
);

-- Two at most, both of which sign, so that receivers can change over.
create table webhook_secrets (
  project_id bigint not null references projects (id) on delete cascade,
  position text not null check (position in ('current', 'previous')),
  id uuid not null unique,
  -- Encrypted (AES-256-GCM), bound to the id.
  secret_sealed bytea not null,
  created_at timestamptz not null default now(),
  primary key (project_id, position)
);

-- In the transaction that ends the task, whatever statement does it: a result without its delivery cannot be committed.
create function enqueue_delivery() returns trigger language plpgsql as $$
declare
  created bigint;
begin
  insert into deliveries (task_id, project_id, url) values (new.id, new.project_id, btrim(new.callback_url))
    on conflict (task_id) do nothing
    returning id into created;
  if created is not null then
    perform pg_notify('atelier_delivery', created::text);
  end if;
  return null;
end
$$;

-- Only for an absolute http(s) URL without userinfo, fragment or white space: the field may hold any text, and a sentence
-- is not an error. A text of 4096 characters may have been cut there, so that it would name another place.
create trigger tasks_enqueue_delivery
  after update of status on tasks
  for each row
  when (
    new.status in ('task_postprocess_end', 'task_cancel')
    and old.status is distinct from new.status
    and length(new.callback_url) < 4096
    and btrim(new.callback_url) ~* '^https?://[^\s/?#@\\]+([/?][^\s#]*)?$'
  )
  execute function enqueue_delivery();
