// Statements on the pieces of outputs that remote workers upload.

import type { Queryable } from "../queryable.ts";
import type { Fence } from "./moves.ts";

/** One output of one attempt. */
export interface UploadPlace {
  readonly taskId: string;
  readonly attempt: number;
  readonly index: number;
}

export interface UploadedPiece {
  readonly sizeBytes: number;
  readonly pieceKey: string;
}

export interface NewPiece extends UploadedPiece {
  readonly index: number;
  readonly beginsAt: number;
}

/** In their order, which leaves no gap. */
export async function selectPieces(db: Queryable, { taskId, attempt, index }: UploadPlace): Promise<UploadedPiece[]> {
  const { rows } = await db.query<{ sizeBytes: string; pieceKey: string }>(
    `select size_bytes as "sizeBytes", piece_key as "pieceKey" from upload_pieces
      where task_id = $1 and attempt = $2 and output_index = $3 order by begins_at`,
    [taskId, attempt, index],
  );
  return rows.map((row) => ({ sizeBytes: Number(row.sizeBytes), pieceKey: row.pieceKey }));
}

/** False when the attempt is not this worker's, or when the piece does not begin where those before it end: another request,
 *  maybe of another server, was faster. */
export async function insertPiece(db: Queryable, fence: Fence, piece: NewPiece): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into upload_pieces (task_id, attempt, output_index, begins_at, size_bytes, piece_key)
     select id, attempt, $4::int, $5::bigint, $6::bigint, $7::text
       from tasks t
      where id = $1 and attempt = $2 and worker_id = $3
        and $5 = (select coalesce(sum(size_bytes), 0) from upload_pieces p
                   where p.task_id = t.id and p.attempt = t.attempt and p.output_index = $4)
     on conflict do nothing`,
    [fence.taskId, fence.attempt, fence.workerId, piece.index, piece.beginsAt, piece.sizeBytes, piece.pieceKey],
  );
  return rowCount === 1;
}

/** Keys of what is there of an attempt. */
export async function selectPieceKeys(db: Queryable, { taskId, attempt }: { taskId: string; attempt: number }): Promise<string[]> {
  const { rows } = await db.query<{ key: string }>("select piece_key as key from upload_pieces where task_id = $1 and attempt = $2", [taskId, attempt]);
  return rows.map((row) => row.key);
}

/** Keys of pieces whose attempt nobody holds any more: `most` of them. */
export async function selectForgottenPieces(db: Queryable, most: number): Promise<string[]> {
  const { rows } = await db.query<{ key: string }>(
    `select piece_key as key from upload_pieces p
      where not exists (select 1 from tasks t where t.id = p.task_id and t.attempt = p.attempt and t.worker_id is not null)
      limit $1`,
    [most],
  );
  return rows.map((row) => row.key);
}

export async function deletePieces(db: Queryable, keys: readonly string[]): Promise<void> {
  await db.query("delete from upload_pieces where piece_key = any($1)", [keys]);
}
