-- Files that callers bring, by upload or with a run, the folders they keep them in, and which tasks use them.
create table folders (
  id text primary key,             -- 32 hex
  project_id bigint not null references projects (id) on delete cascade,
  parent_id text references folders (id) on delete cascade, -- null: at the top
  name text not null,
  created_at timestamptz not null default now()
);

-- One folder of a name in one place: creating it again gives the same one.
create unique index folders_name on folders (project_id, coalesce(parent_id, ''), name);

create table files (
  id text primary key,             -- 32 hex
  project_id bigint not null references projects (id) on delete cascade,
  folder_id text references folders (id) on delete set null,
  -- 'upload': kept until it expires or is pruned. 'run': came with a run and goes with the files of its task.
  origin text not null check (origin in ('upload', 'run')),
  name text not null,
  content_type text not null,
  size_bytes bigint not null,
  access_key text not null unique, -- 30 letters and digits
  file_key text not null unique,   -- where the bytes are
  created_at timestamptz not null default now(),
  -- Null while the bytes are on their way to the store: nobody sees the file. What stays so was interrupted.
  stored_at timestamptz,
  expires_at timestamptz
);

create index files_project on files (project_id, created_at);
create index files_folder on files (folder_id) where folder_id is not null;
create index files_expiring on files (expires_at) where expires_at is not null;
create index files_interrupted on files (created_at) where stored_at is null;

-- Files that the input of a task names.
create table task_files (
  task_id bigint not null references tasks (id) on delete cascade,
  file_id text not null references files (id) on delete cascade,
  primary key (task_id, file_id)
);

create index task_files_file on task_files (file_id);

alter table outputs add column expires_at timestamptz;
