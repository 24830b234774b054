-- Several keys for a project, two live secrets of a key while it rotates, and who may come in how.

alter table projects
  -- Whether requests may, or must, be signed with method, path, body and time.
  add column signature_v2 text not null default 'allowed' check (signature_v2 in ('off', 'allowed', 'required')),
  -- Where requests with the project's keys may come from; empty: from anywhere.
  add column allowed_addresses cidr[] not null default '{}';

alter table api_keys
  add column id bigint generated always as identity,
  -- SHA-256 of the key. For a key-only project the key is the whole credential, so the database does not hold it.
  add column key_hash bytea,
  -- The first and last four characters: by them a person recognises a key.
  add column hint text,
  add column label text not null default '',
  -- The secret before the current one, which also signs until it expires. Sealed like the current one.
  add column previous_secret_sealed bytea,
  add column previous_expires_at timestamptz,
  add column expires_at timestamptz;
update api_keys
  set key_hash = sha256(convert_to(api_key, 'UTF8')), hint = left(api_key, 4) || '...' || right(api_key, 4);
alter table api_keys
  alter column key_hash set not null,
  alter column hint set not null,
  drop column api_key,
  add primary key (id),
  add constraint api_keys_hash unique (key_hash);

-- What was done to projects and keys, by whom. Never a secret. Outlives the project.
create table audit_events (
  id bigint generated always as identity primary key,
  created_at timestamptz not null default now(),
  project_id bigint not null,
  actor text not null,
  action text not null,
  details jsonb not null
);
create index audit_events_project on audit_events (project_id, id);

-- Nonces of requests with signature v2, shared by all servers, until their time has passed.
create table request_nonces (
  key_id bigint not null references api_keys (id) on delete cascade,
  nonce text not null,
  expires_at timestamptz not null,
  primary key (key_id, nonce)
);
create index request_nonces_expired on request_nonces (expires_at);
