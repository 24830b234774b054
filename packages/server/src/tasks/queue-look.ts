// Looks at the queue for everybody who asks for a place in it: one look for any number of callers, as often as it is cheap.

import { selectLiveWorkers, selectRunning, selectRunSeconds, selectStandings, selectWaiting } from "../db/queries/queue.ts";
import type { ProjectStanding, RunningTask, WaitingGroup } from "../db/queries/queue.ts";
import type { WorkerOffer } from "../db/queries/workers.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";

/** The queue as it was a moment ago. */
export interface QueueLook {
  /** By the database's clock. */
  readonly at: Date;
  readonly waiting: readonly WaitingGroup[];
  readonly running: readonly RunningTask[];
  readonly workers: readonly WorkerOffer[];
  readonly standings: ReadonlyMap<string, ProjectStanding>;
  /** Mean seconds of a run, by model; a model that did not run lately is absent. */
  readonly runSeconds: ReadonlyMap<string, number>;
}

export type LookAtQueue = () => Promise<QueueLook>;

interface Looking {
  readonly look: Promise<QueueLook>;
  /** Milliseconds of the clock; known when it is done. */
  usableUntil: number;
}

/** A look is used for `limits.queueLookShare` times as long as it took (benchmarks/results/queue-look.md): with a few waiting tasks it is
 *  nearly always new, with 100,000 it may be most of a second old. A look that fails is not remembered. */
export function openQueueLook(deps: { db: Queryable; clock?: () => number }): LookAtQueue {
  const clock = deps.clock ?? (() => performance.now());
  let latest: Looking | undefined;
  return () => {
    if (latest && clock() < latest.usableUntil) return latest.look;
    const startedAt = clock();
    const looking: Looking = { look: lookAtQueue(deps.db), usableUntil: Infinity };
    latest = looking;
    looking.look.then(
      () => (looking.usableUntil = clock() + (clock() - startedAt) * limits.queueLookShare),
      () => (latest = latest === looking ? undefined : latest),
    );
    return looking.look;
  };
}

async function lookAtQueue(db: Queryable): Promise<QueueLook> {
  const sampling = { firstIds: limits.queueFirstIds, everyId: limits.queueEveryId };
  const [waiting, running, workers, { at, standings }, runSeconds] = await Promise.all([
    selectWaiting(db, sampling),
    selectRunning(db),
    selectLiveWorkers(db, limits.workerGoneMs),
    selectStandings(db),
    selectRunSeconds(db, limits.queueRunsMeasured),
  ]);
  return { at, waiting, running, workers, standings: new Map(standings.map((one) => [one.projectId, one])), runSeconds };
}
