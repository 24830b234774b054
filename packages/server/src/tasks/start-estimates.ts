// Tells a waiting task's place and its estimated start, and how far such estimates were off lately.

import type { Queryable } from "../db/queryable.ts";
import type { Task } from "../db/task.ts";
import { limits } from "../limits.ts";
import { openQueueLook } from "./queue-look.ts";
import { placeInQueue } from "./queue-place.ts";

export interface StartEstimate {
  /** From 1: the next. */
  readonly position: number;
  /** Live workers that offer its model. */
  readonly workers: number;
  /** By the database's clock; undefined when it cannot be told. */
  readonly startAt: Date | undefined;
  /** Nine of ten estimates of this process were nearer than this; undefined until there were enough. */
  readonly errorSeconds: number | undefined;
}

export interface StartEstimates {
  /** Of a task that waits. */
  of(task: Task): Promise<StartEstimate>;
  /** Compares the first estimate of a task that waits no longer, if there was one, with its start. */
  learnFrom(task: Task): void;
}

export function openStartEstimates(deps: { db: Queryable }): StartEstimates {
  const look = openQueueLook(deps);
  const first = new Map<string, { readonly at: number; readonly startAt: number }>();
  const errors = new RecentErrors();
  return {
    async of(task) {
      const seen = await look();
      const { position, waitSeconds } = placeInQueue(seen, task);
      const workers = seen.workers.filter(({ models }) => models.includes(task.model)).length;
      if (waitSeconds === undefined) return { position, workers, startAt: undefined, errorSeconds: undefined };
      const at = seen.at.getTime();
      const startAt = at + waitSeconds * 1000;
      if (!first.has(task.id)) {
        first.set(task.id, { at, startAt });
        // Of most tasks nobody asks again: the oldest makes room, so that something is always learnt.
        if (first.size > limits.startEstimates) first.delete(first.keys().next().value ?? "");
      }
      const ratio = errors.ninth();
      return { position, workers, startAt: new Date(startAt), errorSeconds: ratio === undefined ? undefined : ratio * waitSeconds };
    },
    learnFrom(task) {
      const estimate = first.get(task.id);
      if (!estimate) return;
      first.delete(task.id);
      const began = task.times.accepted?.getTime();
      // One that was taken before the look ended, or never, says nothing.
      if (began !== undefined && began > estimate.at) errors.add(Math.abs(estimate.startAt - began) / (began - estimate.at));
    },
  };
}

/** The newest errors as parts of the wait. */
class RecentErrors {
  readonly #ratios: number[] = [];

  add(ratio: number): void {
    this.#ratios.push(ratio);
    if (this.#ratios.length > limits.startErrors) this.#ratios.shift();
  }

  /** Nine of ten are no larger. Undefined while there are fewer than ten. */
  ninth(): number | undefined {
    if (this.#ratios.length < 10) return undefined;
    const sorted = this.#ratios.toSorted((one, other) => one - other);
    return sorted[Math.ceil(sorted.length * 0.9) - 1];
  }
}
