// Prunes every hour and sweeps files once a day, for as long as the server runs.

import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { Trail } from "./beyond.ts";
import { prune } from "./prune.ts";
import type { Pruned, PruneDeps } from "./prune.ts";
import { sweepFiles } from "./sweep-files.ts";
import type { Swept } from "./sweep-files.ts";

export interface Upkeep {
  /** One pass of both; resolves to what was removed. */
  runOnce(): Promise<Pruned & Swept>;
  stop(): Promise<void>;
}

export function startUpkeep(deps: Omit<PruneDeps, "signal" | "trails"> & { db: Queryable; log: Log }): Upkeep {
  const stopping = new AbortController();
  const withSignal = { ...deps, signal: stopping.signal, trails: { files: new Trail(), events: new Trail() } };
  let running: Promise<unknown> = Promise.resolve();
  const then = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const next = running.then(work);
    running = next.catch((error: unknown) => deps.log.warn({ err: error }, "upkeep.failed"));
    return next;
  };
  const report = <Removed extends Pruned | Swept>(removed: Removed): Removed => {
    if (Object.values(removed).some((count) => count !== 0)) deps.log.info({ removed }, "upkeep.removed");
    return removed;
  };
  const pruneOnce = () => then(async () => report(await prune(withSignal)));
  const sweepOnce = () => then(async () => report(await sweepFiles(withSignal, { dryRun: false })));
  const quietly = (work: Promise<unknown>): void => void work.catch(() => undefined); // logged where it failed
  const timers = [
    setInterval(() => quietly(pruneOnce()), limits.pruneMs),
    setInterval(() => quietly(sweepOnce()), limits.sweepMs),
  ];
  return {
    async runOnce() {
      return { ...(await pruneOnce()), ...(await sweepOnce()) };
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      stopping.abort();
      await running;
    },
  };
}
