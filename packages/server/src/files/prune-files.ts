// Removes the files of callers that nothing needs any longer: expired, interrupted, of runs without a task, or older than they are kept.

import { selectPrunableFiles } from "../db/queries/files.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import { removeFile } from "./add-file.ts";
import type { FileStore } from "./file-store.ts";

/** One bounded pass; call again while it removes anything. `addedBefore`: remove older ones even if they do not expire, null:
 *  keep those. Files of tasks that have not ended stay in any case. Returns how many were removed. */
export async function pruneFiles(
  deps: { db: Queryable; files: FileStore },
  rule: { addedBefore: Date | null; most?: number },
): Promise<number> {
  const { addedBefore, most = limits.pruneBatch } = rule;
  const found = await selectPrunableFiles(deps.db, { addedBefore, interruptedMs: limits.interruptedUploadMs, most });
  for (const file of found) await removeFile(deps, file);
  return found.length;
}
