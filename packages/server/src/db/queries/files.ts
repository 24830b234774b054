// Statements on files that callers bring. Those that take a project find nothing of another one.

import type { ReadableFile, ProjectFile } from "../file.ts";
import type { Queryable } from "../queryable.ts";

export interface NewFile {
  readonly id: string;
  readonly projectId: string;
  readonly folderId: string | null;
  readonly origin: "upload" | "run";
  readonly name: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly accessKey: string;
  readonly fileKey: string;
  readonly expiresAt: Date | null;
}

type ReadableRow = Omit<ReadableFile, "sizeBytes"> & { readonly sizeBytes: string };
type FileRow = Omit<ProjectFile, "sizeBytes"> & { readonly sizeBytes: string };

const columns = `id, folder_id as "folderId", name, content_type as "contentType", size_bytes as "sizeBytes",
  access_key as "accessKey", file_key as "fileKey", created_at as "addedAt", expires_at as "expiresAt"`;

const isVisible = `stored_at is not null and (expires_at is null or expires_at > now())`;

/** Announces a file whose bytes are not stored yet: after a crash this row says which bytes to remove. */
export async function insertFile(db: Queryable, file: NewFile): Promise<ProjectFile> {
  const { rows } = await db.query<FileRow>(
    `insert into files (id, project_id, folder_id, origin, name, content_type, size_bytes, access_key, file_key, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning ${columns}`,
    [
      file.id, file.projectId, file.folderId, file.origin, file.name, file.contentType, file.sizeBytes, file.accessKey,
      file.fileKey, file.expiresAt,
    ],
  );
  const row = rows[0];
  if (!row) throw new Error("insert into files returned no row");
  return fileFrom(row);
}

/** The file can be seen from now on. */
export async function markFileStored(db: Queryable, fileId: string): Promise<void> {
  await db.query(`update files set stored_at = now() where id = $1 and stored_at is null`, [fileId]);
}

export async function deleteFileRow(db: Queryable, fileId: string): Promise<void> {
  await db.query(`delete from files where id = $1`, [fileId]);
}

/** One of the project's files, by its id or its access key. */
export async function selectFile(
  db: Queryable,
  reference: { projectId: string; id?: string; accessKey?: string },
): Promise<ProjectFile | undefined> {
  const { rows } = await db.query<FileRow>(
    `select ${columns} from files where project_id = $1 and (id = $2 or access_key = $3) and ${isVisible}`,
    [reference.projectId, reference.id ?? null, reference.accessKey ?? null],
  );
  return rows[0] && fileFrom(rows[0]);
}

/** The file or output that an access key names, whoever owns it: the key is the permission. */
export async function selectFileByAccessKey(db: Queryable, accessKey: string): Promise<ReadableFile | undefined> {
  const { rows } = await db.query<ReadableRow>(
    `select ${readable} from files where access_key = $1 and ${isVisible}
     union all
     select ${readable} from outputs where access_key = $1`,
    [accessKey],
  );
  return rows[0] && readableFrom(rows[0]);
}

const readable = `id, name, content_type as "contentType", size_bytes as "sizeBytes", file_key as "fileKey"`;

/** The output that a file key names, whoever owns it: the key is the permission. */
export async function selectOutputByFileKey(db: Queryable, fileKey: string): Promise<ReadableFile | undefined> {
  const { rows } = await db.query<ReadableRow>(
    `select ${readable} from outputs where file_key = $1`,
    [fileKey],
  );
  return rows[0] && readableFrom(rows[0]);
}

/** An output of one of the project's tasks, by its file key or its access key. */
export async function selectOwnOutput(
  db: Queryable,
  reference: { projectId: string; fileKey?: string; accessKey?: string },
): Promise<ReadableFile | undefined> {
  const { rows } = await db.query<ReadableRow>(
    `select o.id, o.name, o.content_type as "contentType", o.size_bytes as "sizeBytes", o.file_key as "fileKey"
       from outputs o join tasks t on t.id = o.task_id
      where t.project_id = $1 and (o.file_key = $2 or o.access_key = $3)`,
    [reference.projectId, reference.fileKey ?? null, reference.accessKey ?? null],
  );
  return rows[0] && readableFrom(rows[0]);
}

/** Files that came with the runs of these tasks, unless another task that has not ended uses them as well. */
export async function selectRunFiles(db: Queryable, taskIds: readonly string[]): Promise<{ id: string; fileKey: string }[]> {
  const { rows } = await db.query<{ id: string; fileKey: string }>(
    `select distinct f.id, f.file_key as "fileKey" from files f join task_files own on own.file_id = f.id
      where own.task_id = any($1) and f.origin = 'run' and not exists (
        select from task_files tf join tasks t on t.id = tf.task_id
         where tf.file_id = f.id and t.id <> all($1) and t.status not in ('task_postprocess_end', 'task_cancel'))
      order by f.id`,
    [taskIds],
  );
  return rows;
}

/** No task that waits or runs has it. */
const isUnneeded = `not exists (
          select from task_files tf join tasks t on t.id = tf.task_id
           where tf.file_id = f.id and t.status not in ('task_postprocess_end', 'task_cancel'))`;

/** Files that nothing needs any longer, the oldest first: expired ones, interrupted ones, those that came with a run of which there
 *  is no task, and those that were added more than `keepDays` ago (null: none of these). A file that a task still waits or runs with is
 *  never among them. The database's clock decides. */
export async function selectPrunableFiles(
  db: Queryable,
  rule: { keepDays: number | null; interruptedMs: number; most: number },
): Promise<{ id: string; fileKey: string }[]> {
  const { rows } = await db.query<{ id: string; fileKey: string }>(
    `select f.id, f.file_key as "fileKey" from files f
      where (f.expires_at < now()
             or (f.created_at < now() - $2 * interval '1 millisecond'
                 and (f.stored_at is null or f.origin = 'run' and not exists (select from task_files tf where tf.file_id = f.id)))
             or f.created_at < now() - $1::float8 * interval '1 day')
        and ${isUnneeded}
      order by f.created_at, f.id limit $3`,
    [rule.keepDays, rule.interruptedMs, rule.most],
  );
  return rows;
}

/** Nobody sees these files from now on, but for those that a task needs by now. Returns the hidden ones: their bytes may go. */
export async function hideUnneededFiles(db: Queryable, fileIds: readonly string[]): Promise<{ id: string; fileKey: string }[]> {
  const { rows } = await db.query<{ id: string; fileKey: string }>(
    `update files f set stored_at = null where f.id = any($1) and ${isUnneeded} returning f.id, f.file_key as "fileKey"`,
    [fileIds],
  );
  return rows;
}

function fileFrom(row: FileRow): ProjectFile {
  return { ...row, sizeBytes: Number(row.sizeBytes) };
}

function readableFrom(row: ReadableRow): ReadableFile {
  return { ...row, sizeBytes: Number(row.sizeBytes) };
}
