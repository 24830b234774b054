// Takes a received file into the store and the table, so that a crash at any moment leaves either a file that can be seen
// whole or a row by which its bytes are found and removed.

import { extname } from "node:path";

import { deleteFileRow, insertFile, markFileStored } from "../db/queries/files.ts";
import type { ProjectFile } from "../db/file.ts";
import type { Queryable } from "../db/queryable.ts";
import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import { drawHexId, drawToken } from "../secret-text.ts";
import { fileNameFor } from "./file-name.ts";
import type { FileStore } from "./file-store.ts";
import { mediaTypeOf } from "./media-type.ts";
import type { MediaType } from "./media-type.ts";
import { pixelsOf, readablePictures } from "./pictures.ts";
import type { ReceivedFile } from "./receive-file.ts";

export interface FilePlace {
  readonly projectId: string;
  readonly folderId: string | null;
  readonly origin: "upload" | "run";
  readonly expiresAt: Date | null;
  /** Instead of the caller's name, without an ending. */
  readonly stem?: string;
}

/** A received file that may be taken in. */
export interface CheckedFile {
  readonly received: ReceivedFile;
  readonly media: MediaType;
}

/** Looks at the bytes, never at what the caller says of them. `parameter`: what the failure is said to be about.
 *  Throws FILE_TYPE_REFUSED or FILE_PIXELS_REFUSED. */
export async function checkFile(received: ReceivedFile, parameter: string): Promise<CheckedFile> {
  const media = mediaTypeOf(received.head, received.givenName);
  if (!media) throw new AtelierError("FILE_TYPE_REFUSED", { parameter });
  if (!readablePictures.includes(media.type)) return { received, media };
  const pixels = await pixelsOf(received.path);
  if (pixels === undefined) throw new AtelierError("FILE_TYPE_REFUSED", { parameter });
  if (pixels > limits.filePixels) {
    throw new AtelierError("FILE_PIXELS_REFUSED", { parameter, max: limits.filePixels / 1_000_000 });
  }
  return { received, media };
}

/** When it returns, the file is durable and can be seen. The received file stays where it is. */
export async function addFile(
  deps: { db: Queryable; files: FileStore },
  { received, media }: CheckedFile,
  place: FilePlace,
): Promise<ProjectFile> {
  const { stem, ...where } = place;
  const name = fileNameFor(stem ?? received.givenName, media);
  const [id, accessKey] = [drawHexId(), drawToken()];
  const file = await insertFile(deps.db, {
    ...where,
    id,
    name,
    contentType: media.type,
    sizeBytes: received.sizeBytes,
    accessKey,
    // Beginning with random digits: stores spread keys by their first characters.
    fileKey: `${id}/file${extname(name).toLowerCase()}`,
  });
  try {
    await deps.files.put(file.fileKey, received.path);
  } catch (error) {
    await removeFile(deps, file);
    throw error;
  }
  // Should its answer be lost, the file is there as a whole, or its row waits for the prune.
  await markFileStored(deps.db, id);
  return file;
}

/** Bytes first: after a crash in between, the row still says which bytes to remove. */
export async function removeFile(
  deps: { db: Queryable; files: FileStore },
  file: { readonly id: string; readonly fileKey: string },
): Promise<void> {
  await deps.files.remove(file.fileKey);
  await deleteFileRow(deps.db, file.id);
}
