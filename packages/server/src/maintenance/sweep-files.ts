// Removes files that nobody names: those of attempts that died between storing them and committing them.

import { selectKnownFileKeys, selectSweepHorizon } from "../db/queries/retention.ts";
import type { Queryable } from "../db/queryable.ts";
import type { FileStore } from "../files/file-store.ts";
import { limits } from "../limits.ts";

export interface Swept {
  readonly orphans: number;
  readonly orphanBytes: number;
  /** Uploads that never ended. */
  readonly unfinished: number;
}

export interface SweepDeps {
  readonly db: Queryable;
  readonly files: FileStore;
  readonly signal?: AbortSignal;
}

/** Never removes a file that a live attempt has stored: the horizon is asked first, and whoever stored a file before it can
 *  no longer commit (its lease is gone, and the fence refuses it) or has committed, which the rows then say.
 *  `dryRun`: only counts. */
export async function sweepFiles(deps: SweepDeps, options: { dryRun: boolean; graceMs?: number }): Promise<Swept> {
  const { db, files, signal } = deps;
  const horizon = await selectSweepHorizon(db, { graceMs: options.graceMs ?? limits.sweepGraceMs, skewMs: limits.sweepSkewMs });
  let orphans = 0;
  let orphanBytes = 0;
  for await (const page of files.list()) {
    if (signal?.aborted) break;
    const old = page.filter((file) => file.storedAt < horizon);
    if (old.length === 0) continue;
    const known = await selectKnownFileKeys(db, old.map((file) => file.key));
    for (const file of old.filter(({ key }) => !known.has(key))) {
      if (!options.dryRun) await files.remove(file.key);
      orphans += 1;
      orphanBytes += file.sizeBytes;
    }
  }
  const unfinished = options.dryRun ? 0 : await files.removeUnfinished(horizon);
  return { orphans, orphanBytes, unfinished };
}
