// Removes the files of callers that nothing needs any longer: expired, interrupted, of runs without a task, or older than they are kept.

import { hideUnneededFiles, selectPrunableFiles } from "../db/queries/files.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import { removeFile } from "./add-file.ts";
import type { FileStore } from "./file-store.ts";

/** One bounded pass; call again while it removes anything. `keepDays`: remove older ones even if they do not expire, null:
 *  keep those. Files of tasks that have not ended stay in any case; a run that names one of the others while their bytes go is refused as
 *  for a missing one. Returns how many were removed. */
export async function pruneFiles(
  deps: { db: Queryable; files: FileStore },
  rule: { keepDays: number | null; most?: number },
): Promise<number> {
  const { keepDays, most = limits.pruneBatch } = rule;
  const found = await selectPrunableFiles(deps.db, { keepDays, interruptedMs: limits.interruptedUploadMs, most });
  const hidden = await hideUnneededFiles(deps.db, found.map(({ id }) => id));
  for (const file of hidden) await removeFile(deps, file);
  return hidden.length;
}
