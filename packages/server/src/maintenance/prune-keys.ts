// Forgets idempotency keys that are too old to be answered, and workers that have gone.

import { deleteOldIdempotencyKeys } from "../db/queries/new-tasks.ts";
import { deleteGoneWorkers } from "../db/queries/workers.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { periodically } from "./periodically.ts";
import type { Upkeep } from "./periodically.ts";

/** A pass resolves to the number of rows forgotten. */
export function startKeyPruning(deps: { db: Queryable; log: Log }): Upkeep {
  const pass = async (): Promise<number> =>
    (await deleteOldIdempotencyKeys(deps.db, limits.keyPruneBatch)) + (await deleteGoneWorkers(deps.db, limits.workerGoneMs));
  return periodically(deps, { name: "key_pruning", everyMs: limits.keyPruneMs, pass });
}
