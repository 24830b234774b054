-- What has arrived of the outputs of remote workers. The bytes lie in the file store, which all servers share, so that an
-- upload goes on whichever server gets its next piece.

create table upload_pieces (
  task_id bigint not null references tasks (id) on delete cascade,
  attempt integer not null,
  output_index integer not null,
  -- Where in the output the piece begins; the next one begins where it ends.
  begins_at bigint not null check (begins_at >= 0),
  size_bytes bigint not null check (size_bytes > 0),
  -- A key of the file store. Not named file_key: what names files there is kept by the sweep and goes into backups, and a piece
  -- is of no use to anybody but its attempt.
  piece_key text not null,
  primary key (task_id, attempt, output_index, begins_at)
);
