// The files that a task's input names: those its worker may read, and no others.

import type { Readable } from "node:stream";

import { selectAttempt } from "../db/queries/moves.ts";
import type { Fence } from "../db/queries/moves.ts";
import type { Queryable } from "../db/queryable.ts";
import { isFileKey } from "../files/file-store.ts";
import type { FileStore } from "../files/file-store.ts";

/** The bytes of one of them. "lost": the attempt is not this worker's any more. "missing": the input names no such file, or
 *  its bytes are gone. */
export async function openInputFile(
  deps: { db: Queryable; files: FileStore },
  fence: Fence,
  fileKey: string,
): Promise<{ stream: Readable; sizeBytes: number } | "lost" | "missing"> {
  const attempt = await selectAttempt(deps.db, fence);
  if (attempt?.workerId !== fence.workerId) return "lost";
  const isNamed = isFileKey(fileKey) && names(attempt.input, fileKey);
  return (isNamed ? await deps.files.open(fileKey) : undefined) ?? "missing";
}

/** True when `fileKey` stands somewhere in the validated input, by itself or as a value of a list or an object. */
function names(input: unknown, fileKey: string): boolean {
  if (typeof input === "string") return input === fileKey;
  if (typeof input !== "object" || input === null) return false;
  return Object.values(input).some((value) => names(value, fileKey));
}
