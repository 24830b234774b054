// Removes what need not be kept any more, in bounded steps. Any number of servers may do it at once: each step is safe to repeat.

import type { Retention } from "../config/retention-settings.ts";
import { deleteOutputs } from "../db/queries/deletions.ts";
import { countDeliveriesBeyond, countOldEvents, deleteDeliveriesBeyond, deleteEndedTasks, deleteOldEvents } from "../db/queries/retention.ts";
import type { FileBounds, KeepBounds } from "../db/queries/retention.ts";
import { selectPrunableFiles, selectRunFiles } from "../db/queries/files.ts";
import { selectOutputsOf } from "../db/queries/tasks.ts";
import type { Queryable } from "../db/queryable.ts";
import { removeFile } from "../files/add-file.ts";
import type { FileStore } from "../files/file-store.ts";
import { pruneFiles } from "../files/prune-files.ts";
import { limits } from "../limits.ts";
import { endedTasksBeyond, tasksWithFilesBeyond } from "./beyond.ts";
import type { Trail } from "./beyond.ts";

export interface PruneDeps {
  readonly db: Queryable;
  readonly files: FileStore;
  readonly retention: Retention;
  /** Of the passes before; absent: it walks all. */
  readonly trails?: { readonly files: Trail; readonly events: Trail };
  /** Aborting it ends the work after the step that is under way. */
  readonly signal?: AbortSignal;
}

export interface Pruned {
  readonly tasks: number;
  readonly events: number;
  readonly files: number;
  readonly fileBytes: number;
  readonly deliveries: number;
  /** Files of callers: expired, interrupted, or older than files are kept. */
  readonly uploads: number;
}

/** Removes everything that is beyond the limits. Resolves to what was removed. */
export async function prune(deps: PruneDeps): Promise<Pruned> {
  const keep = boundsOf(deps.retention);
  const removed = { uploads: 0, tasks: 0, events: 0, files: 0, fileBytes: 0, deliveries: 0 };
  removed.uploads = await inBatches(deps, (most) => pruneFiles(deps, { keepDays: keep.files.days, most }));
  for await (const taskIds of filesBeyond(deps, keep.files, deps.trails?.files)) {
    for (const taskId of await removeFiles(deps, taskIds, removed)) await deleteOutputs(deps.db, taskId);
  }
  for await (const taskIds of overBeyond(deps, keep.tasks)) {
    await removeFiles(deps, taskIds, removed);
    removed.tasks += await deleteEndedTasks(deps.db, taskIds);
  }
  for await (const taskIds of overBeyond(deps, keep.events, deps.trails?.events)) removed.events += await deleteOldEvents(deps.db, taskIds);
  const { deliveryDays } = keep;
  if (deliveryDays !== null) removed.deliveries = await inBatches(deps, (most) => deleteDeliveriesBeyond(deps.db, deliveryDays, most));
  return removed;
}

/** What `prune` would remove, each thing counted once: a task takes its files, events and callbacks with it. */
export async function countPruned({ db, retention }: Pick<PruneDeps, "db" | "retention">): Promise<Pruned> {
  const keep = boundsOf(retention);
  const rule = { keepDays: keep.files.days, interruptedMs: limits.interruptedUploadMs, most: limits.pruneCount };
  const counted = { uploads: (await selectPrunableFiles(db, rule)).length, tasks: 0, events: 0, files: 0, fileBytes: 0, deliveries: 0 };
  const withFiles = new Set<string>();
  for await (const taskIds of filesBeyond({ db }, keep.files)) await countFiles(db, taskIds, { counted, withFiles });
  const gone = new Set<string>();
  if (keep.deliveryDays !== null) counted.deliveries = await countDeliveriesBeyond(db, keep.deliveryDays);
  for await (const taskIds of overBeyond({ db }, keep.tasks)) {
    await countFiles(db, taskIds, { counted, withFiles });
    counted.tasks += taskIds.length;
    for (const taskId of taskIds) gone.add(taskId);
    if (keep.deliveryDays !== null) counted.deliveries -= await countDeliveriesBeyond(db, keep.deliveryDays, taskIds);
  }
  for await (const taskIds of overBeyond({ db }, keep.events)) counted.events += await countOldEvents(db, taskIds.filter((id) => !gone.has(id)));
  return counted;
}

/** Adds the files of tasks that were not counted yet: they may be beyond the days, beyond the bytes, and go with their task. */
async function countFiles(
  db: Queryable,
  taskIds: readonly string[],
  { counted, withFiles }: { counted: { files: number; fileBytes: number }; withFiles: Set<string> },
): Promise<void> {
  for (const [taskId, outputs] of await selectOutputsOf(db, taskIds)) {
    if (withFiles.has(taskId)) continue;
    withFiles.add(taskId);
    counted.files += outputs.length;
    for (const { sizeBytes } of outputs) counted.fileBytes += sizeBytes;
  }
}

/** Pages of ended tasks beyond the bounds with nothing left to do for them. */
async function* overBeyond(walk: Pick<PruneDeps, "db" | "signal">, keep: KeepBounds, trail?: Trail): AsyncGenerator<readonly string[]> {
  for await (const page of endedTasksBeyond(walk, keep, trail)) yield page.filter((task) => !task.isAwaited).map(({ id }) => id);
}

/** Pages of ended tasks whose files, if there are any, are beyond the bounds, and which no other task needs. */
async function* filesBeyond(walk: Pick<PruneDeps, "db" | "signal">, keep: FileBounds, trail?: Trail): AsyncGenerator<readonly string[]> {
  for await (const page of endedTasksBeyond(walk, { days: keep.days, count: null }, trail)) yield page.filter((task) => !task.isNeeded).map(({ id }) => id);
  if (keep.bytes !== null) yield* tasksWithFilesBeyond(walk, keep.bytes);
}

/** Calls `step` until it finds nothing more, so that no statement holds many rows; returns how much it found. */
async function inBatches({ signal }: PruneDeps, step: (most: number) => Promise<number>): Promise<number> {
  for (let all = 0; ; ) {
    const found = signal?.aborted === true ? 0 : await step(limits.pruneBatch);
    if (found === 0) return all;
    all += found;
  }
}

/** Bytes before rows: after a crash in between the rows still say which bytes to remove. Returns the tasks that had some. */
async function removeFiles(
  { db, files }: PruneDeps,
  taskIds: readonly string[],
  removed: { files: number; fileBytes: number },
): Promise<string[]> {
  const outputsOf = await selectOutputsOf(db, taskIds);
  for (const output of [...outputsOf.values()].flat()) {
    await files.remove(output.fileKey);
    removed.files += 1;
    removed.fileBytes += output.sizeBytes;
  }
  // What came with a run goes with its pictures.
  for (const file of await selectRunFiles(db, taskIds)) await removeFile({ db, files }, file);
  return [...outputsOf.keys()];
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
