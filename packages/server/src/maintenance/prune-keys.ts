// Forgets idempotency keys that are too old to be answered.

import { deleteOldIdempotencyKeys } from "../db/queries/new-tasks.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { periodically } from "./periodically.ts";
import type { Upkeep } from "./periodically.ts";

/** A pass resolves to the number of keys forgotten. */
export function startKeyPruning(deps: { db: Queryable; log: Log }): Upkeep {
  const pass = (): Promise<number> => deleteOldIdempotencyKeys(deps.db, limits.keyPruneBatch);
  return periodically(deps, { name: "key_pruning", everyMs: limits.keyPruneMs, pass });
}
