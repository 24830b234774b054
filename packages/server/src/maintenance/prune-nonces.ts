// Forgets the nonces of signatures v2 whose time has passed. Any server may do it, and several at once.

import { deleteExpiredNonces } from "../db/queries/request-nonces.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";

export interface NoncePruning {
  /** One pass, in batches until nothing is left to forget; resolves to how many were. */
  runOnce(): Promise<number>;
  stop(): Promise<void>;
}

export function startNoncePruning(deps: { db: Queryable; log: Log }): NoncePruning {
  let running: Promise<number> | undefined;
  let isStopped = false;
  const pass = async (): Promise<number> => {
    let total = 0;
    for (;;) {
      const deleted = await deleteExpiredNonces(deps.db, limits.noncePruneRows);
      total += deleted;
      if (deleted < limits.noncePruneRows || isStopped) return total;
    }
  };
  const runOnce = (): Promise<number> => (running ??= pass().finally(() => (running = undefined)));
  const timer = setInterval(() => {
    runOnce().catch((error: unknown) => deps.log.warn({ err: error }, "nonces.prune_failed"));
  }, limits.noncePruneMs);
  return {
    runOnce,
    async stop() {
      isStopped = true;
      clearInterval(timer);
      await running?.catch(() => undefined); // already logged by the pass that failed
    },
  };
}
