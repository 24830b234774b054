// Where outputs of remote workers wait until their task ends: pieces in the file store, which all servers share, each with a
// row that says where it belongs. Nothing here is visible to anybody.

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { DeclaredOutput } from "@atelier/schema/worker-messages";

import type { Fence } from "../db/queries/moves.ts";
import { deletePieces, insertPiece, selectForgottenPieces, selectPieceKeys, selectPieces } from "../db/queries/upload-pieces.ts";
import type { UploadedPiece } from "../db/queries/upload-pieces.ts";
import type { Queryable } from "../db/queryable.ts";
import { AtelierError } from "../errors.ts";
import type { FileStore } from "../files/file-store.ts";
import { limits } from "../limits.ts";
import { drawOutputFolder } from "../secret-text.ts";
import type { Lease, OutputFile } from "./task-source.ts";

export interface PieceDeps {
  readonly db: Queryable;
  readonly files: FileStore;
}

/** How much of an output has arrived. */
export async function uploadedBytes({ db }: Pick<PieceDeps, "db">, lease: Lease, index: number): Promise<number> {
  return sizeOf(await selectPieces(db, { ...lease, index }));
}

/** Adds a piece when it has arrived as a whole, and returns where the next one begins. Of two that arrive at once one counts.
 *  Throws WORKER_UPLOAD_OFFSET when `offset` is not where the pieces end, WORKER_UPLOAD_TOO_LARGE beyond the limit. */
export async function addPiece(
  { db, files }: PieceDeps,
  fence: Fence,
  { index, offset, piece }: { index: number; offset: number; piece: Readable },
): Promise<number> {
  const before = await selectPieces(db, { ...fence, index });
  if (sizeOf(before) !== offset) throw new AtelierError("WORKER_UPLOAD_OFFSET", { offset: sizeOf(before) });
  if (before.length >= limits.piecesPerOutput) {
    throw new AtelierError("WORKER_MESSAGE_INVALID", { problem: `an output may come in ${limits.piecesPerOutput} pieces at most` });
  }
  const pieceKey = `${drawOutputFolder()}/piece`;
  const { sizeBytes } = await files.put(pieceKey, Readable.from(bounded(piece, limits.outputBytes - offset)));
  // Should the outcome of the statement be unknown, the bytes stay for the sweep of files to find.
  if (sizeBytes > 0 && (await insertPiece(db, fence, { index, beginsAt: offset, sizeBytes, pieceKey }))) return offset + sizeBytes;
  await files.remove(pieceKey);
  if (sizeBytes === 0) return offset;
  throw new AtelierError("WORKER_UPLOAD_OFFSET", { offset: await uploadedBytes({ db }, fence, index) });
}

/** Puts the pieces of an attempt together in `scratchFolder`, checks them, and lends `use` the files. Throws
 *  WORKER_UPLOAD_INCOMPLETE, or WORKER_UPLOAD_CHECKSUM after removing what is not as its worker said. */
export async function withUploadedOutputs<Result>(
  deps: PieceDeps & { readonly scratchFolder: string },
  { lease, outputs }: { lease: Lease; outputs: readonly DeclaredOutput[] },
  use: (files: readonly OutputFile[]) => Promise<Result>,
): Promise<Result> {
  await mkdir(deps.scratchFolder, { recursive: true });
  const folder = await mkdtemp(join(deps.scratchFolder, "outputs-"));
  try {
    const files: OutputFile[] = [];
    for (const output of outputs) {
      const path = join(folder, String(output.index));
      await assemble(deps, { lease, output, path });
      files.push({ index: output.index, path, contentType: output.contentType, extension: output.extension });
    }
    return await use(files);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes all that has arrived of an attempt. */
export async function discardPieces(deps: PieceDeps, lease: Lease): Promise<void> {
  await removePieces(deps, await selectPieceKeys(deps.db, lease));
}

/** Removes pieces of attempts that nobody holds any more. Returns how many. */
export async function sweepPieces(deps: PieceDeps): Promise<number> {
  for (let removed = 0; ; ) {
    const keys = await selectForgottenPieces(deps.db, limits.pruneBatch);
    await removePieces(deps, keys);
    removed += keys.length;
    if (keys.length < limits.pruneBatch) return removed;
  }
}

async function assemble(
  { db, files }: PieceDeps,
  { lease, output, path }: { lease: Lease; output: DeclaredOutput; path: string },
): Promise<void> {
  const { index, sizeBytes, sha256 } = output;
  const pieces = await selectPieces(db, { ...lease, index });
  const offset = sizeOf(pieces);
  if (offset < sizeBytes) throw new AtelierError("WORKER_UPLOAD_INCOMPLETE", { index, offset, sizeBytes });
  const hash = createHash("sha256");
  await pipeline(bytesOf(files, pieces, hash), createWriteStream(path));
  if (offset === sizeBytes && hash.digest("hex") === sha256) return;
  await removePieces({ db, files }, pieces.map(({ pieceKey }) => pieceKey));
  throw new AtelierError("WORKER_UPLOAD_CHECKSUM", { index });
}

/** A piece whose bytes are gone (its row came out of a backup) leaves a gap, which the checksum finds. */
async function* bytesOf(files: FileStore, pieces: readonly UploadedPiece[], hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for (const { pieceKey } of pieces) {
    for await (const chunk of (await files.open(pieceKey))?.stream ?? []) {
      // A stream without an encoding gives buffers.
      hash.update(chunk as Buffer);
      yield chunk as Buffer;
    }
  }
}

/** Bytes before rows: after a crash in between the rows still say which bytes to remove. */
async function removePieces({ db, files }: PieceDeps, keys: readonly string[]): Promise<void> {
  for (const key of keys) await files.remove(key);
  if (keys.length > 0) await deletePieces(db, keys);
}

async function* bounded(piece: Readable, mostBytes: number): AsyncGenerator<Buffer> {
  let left = mostBytes;
  for await (const chunk of piece) {
    // A request's body gives buffers.
    left -= (chunk as Buffer).length;
    if (left < 0) throw new AtelierError("WORKER_UPLOAD_TOO_LARGE", { most: limits.outputBytes });
    yield chunk as Buffer;
  }
}

function sizeOf(pieces: readonly UploadedPiece[]): number {
  return pieces.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
