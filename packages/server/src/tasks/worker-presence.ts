// Remembers which workers this process hears from, and tells the database now and then.

import { touchWorker, upsertWorker } from "../db/queries/workers.ts";
import type { WorkerOffer } from "../db/queries/workers.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";

export interface WorkerPresence {
  /** A worker asks for tasks. */
  offer(offer: WorkerOffer): void;
  /** A worker was heard of. */
  touch(workerId: string): void;
}

interface Heard {
  readonly offer: WorkerOffer | undefined;
  writtenAt: number;
}

/** Writes are not waited for, and one that fails is made up for by the next. `clock`: milliseconds; tests pass their own. */
export function openWorkerPresence(deps: { db: Queryable; clock?: () => number }): WorkerPresence {
  const clock = deps.clock ?? Date.now;
  const known = new Map<string, Heard>();
  const write = (workerId: string, heard: Heard): void => {
    heard.writtenAt = clock();
    known.delete(workerId);
    known.set(workerId, heard);
    if (known.size > limits.heardWorkers) forgetOldest(known);
    const written = heard.offer ? upsertWorker(deps.db, heard.offer) : touchWorker(deps.db, workerId);
    written.catch(() => known.delete(workerId));
  };
  const isFresh = (heard: Heard): boolean => clock() - heard.writtenAt < limits.workerSeenMs;
  return {
    offer(offer) {
      const heard = known.get(offer.workerId);
      if (heard && isFresh(heard) && isSame(heard.offer, offer)) return;
      write(offer.workerId, { offer, writtenAt: 0 });
    },
    touch(workerId) {
      const heard = known.get(workerId);
      if (!heard || !isFresh(heard)) write(workerId, heard ?? { offer: undefined, writtenAt: 0 });
    },
  };
}

function isSame(one: WorkerOffer | undefined, other: WorkerOffer): boolean {
  return one?.places === other.places && one.models.length === other.models.length && one.models.every((model, at) => model === other.models[at]);
}

function forgetOldest(known: Map<string, Heard>): void {
  for (const workerId of known.keys()) return void known.delete(workerId);
}
