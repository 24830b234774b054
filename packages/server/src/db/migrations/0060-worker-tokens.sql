-- Tokens of remote workers. A token is shown once; the table holds its hash.

create table worker_tokens (
  id bigint generated always as identity primary key,
  name text not null unique,
  -- SHA-256 of the secret part: it has 238 random bits, so that nobody guesses it and a slow hash would gain nothing.
  secret_hash bytea not null,
  created_at timestamptz not null default now(),
  -- To the minute.
  last_used_at timestamptz,
  revoked_at timestamptz
);
