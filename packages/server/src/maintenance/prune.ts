// Removes what need not be kept any more, in bounded steps. Any number of servers may do it at once: each step is safe to repeat.

import type { Retention } from "../config/retention-settings.ts";
import { deleteOutputs } from "../db/queries/deletions.ts";
import { countPrunable, deleteDeliveriesBeyond, deleteEndedTasks, deleteEventsBeyond, selectTasksBeyond, selectTasksWithFilesBeyond } from "../db/queries/retention.ts";
import type { KeepBounds, Prunable } from "../db/queries/retention.ts";
import { selectPrunableFiles, selectRunFiles } from "../db/queries/files.ts";
import { selectOutputsOf } from "../db/queries/tasks.ts";
import type { Queryable } from "../db/queryable.ts";
import { removeFile } from "../files/add-file.ts";
import type { FileStore } from "../files/file-store.ts";
import { pruneFiles } from "../files/prune-files.ts";
import { limits } from "../limits.ts";

export interface PruneDeps {
  readonly db: Queryable;
  readonly files: FileStore;
  readonly retention: Retention;
  /** Aborting it ends the work after the step that is under way. */
  readonly signal?: AbortSignal;
}

export interface Pruned extends Prunable {
  /** Files of callers: expired, interrupted, or older than files are kept. */
  readonly uploads: number;
}

/** Removes everything that is beyond the limits. Resolves to what was removed. */
export async function prune(deps: PruneDeps): Promise<Pruned> {
  const keep = boundsOf(deps.retention);
  const removed = { uploads: 0, tasks: 0, events: 0, files: 0, fileBytes: 0, deliveries: 0 };
  const isOn = (bounds: { days: number | null; count?: number | null; bytes?: number | null }): boolean =>
    (bounds.days ?? bounds.count ?? bounds.bytes ?? null) !== null;
  await inBatches(deps, async (most) => {
    const uploads = await pruneFiles(deps, { addedBefore: uploadsBefore(keep.files.days), most });
    removed.uploads += uploads;
    return uploads;
  });
  if (isOn(keep.files)) {
    await inBatches(deps, async (most) => {
      const taskIds = await selectTasksWithFilesBeyond(deps.db, keep.files, most);
      await removeFiles(deps, taskIds, removed);
      for (const taskId of taskIds) await deleteOutputs(deps.db, taskId);
      return taskIds.length;
    });
  }
  if (isOn(keep.tasks)) {
    await inBatches(deps, async (most) => {
      const taskIds = await selectTasksBeyond(deps.db, keep.tasks, most);
      await removeFiles(deps, taskIds, removed);
      removed.tasks += await deleteEndedTasks(deps.db, taskIds);
      return taskIds.length;
    });
  }
  if (isOn(keep.events)) {
    await inBatches(deps, async (most) => {
      const events = await deleteEventsBeyond(deps.db, keep.events, most);
      removed.events += events;
      return events;
    });
  }
  const { deliveryDays } = keep;
  if (deliveryDays !== null) {
    await inBatches(deps, async (most) => {
      const deliveries = await deleteDeliveriesBeyond(deps.db, deliveryDays, most);
      removed.deliveries += deliveries;
      return deliveries;
    });
  }
  return removed;
}

/** What `prune` would remove. */
export async function countPruned({ db, retention }: Pick<PruneDeps, "db" | "retention">): Promise<Pruned> {
  const keep = boundsOf(retention);
  const rule = { addedBefore: uploadsBefore(keep.files.days), interruptedMs: limits.interruptedUploadMs, most: limits.pruneCount };
  return { uploads: (await selectPrunableFiles(db, rule)).length, ...(await countPrunable(db, keep)) };
}

function uploadsBefore(days: number | null): Date | null {
  return days === null ? null : new Date(Date.now() - days * 86_400_000);
}

/** Calls `step` until it finds nothing more, so that no statement holds many rows. */
async function inBatches({ signal }: PruneDeps, step: (most: number) => Promise<number>): Promise<void> {
  while (signal?.aborted !== true && (await step(limits.pruneBatch)) > 0) continue;
}

/** Bytes before rows: after a crash in between the rows still say which bytes to remove. */
async function removeFiles(
  { db, files }: PruneDeps,
  taskIds: readonly string[],
  removed: { files: number; fileBytes: number },
): Promise<void> {
  for (const outputs of (await selectOutputsOf(db, taskIds)).values()) {
    for (const output of outputs) {
      await files.remove(output.fileKey);
      removed.files += 1;
      removed.fileBytes += output.sizeBytes;
    }
  }
  // What came with a run goes with its pictures.
  for (const taskId of taskIds) {
    for (const file of await selectRunFiles(db, taskId)) await removeFile({ db, files }, file);
  }
}

function boundsOf({ tasks, events, files, deliveries }: Retention) {
  const bounds = ({ days, count }: Retention["tasks"]): KeepBounds => ({ days: days ?? null, count: count ?? null });
  return {
    tasks: bounds(tasks),
    events: bounds(events),
    files: { days: files.days ?? null, bytes: files.bytes ?? null },
    deliveryDays: deliveries.days ?? null,
  };
}
