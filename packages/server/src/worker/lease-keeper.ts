// Keeps the leases of the tasks that a worker holds, and learns which of them it has lost.

import { setTimeout as delay } from "node:timers/promises";

import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { leaseKey } from "../tasks/task-source.ts";
import type { Lease, TaskSource } from "../tasks/task-source.ts";
import type { AwayNotice } from "./away-notice.ts";

/** Called once with the lease that was lost; its engine must stop. */
export type OnLost = (reason: "killed" | "lost") => void;

/** Renews by the clock, and watches for kills between two renewals: a killed task's engine stops at once. */
export class LeaseKeeper {
  readonly #deps: { readonly source: TaskSource; readonly log: Log; readonly away: AwayNotice };
  readonly #held = new Map<string, { readonly lease: Lease; readonly onLost: OnLost }>();
  readonly #timer: NodeJS.Timeout;
  #watch: AbortController | undefined;
  #renewing: Promise<void> | undefined;

  constructor(deps: { source: TaskSource; log: Log; away: AwayNotice }) {
    this.#deps = deps;
    this.#timer = setInterval(() => void this.renew(), limits.heartbeatMs);
  }

  hold(lease: Lease, onLost: OnLost): void {
    this.#held.set(leaseKey(lease), { lease, onLost });
    this.#watchAgain();
  }

  release(lease: Lease): void {
    this.#held.delete(leaseKey(lease));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#watch?.abort();
  }

  /** One heartbeat, never two at a time. A held task that the source no longer gives to this worker was killed or rescued. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #renew(): Promise<void> {
    const before = [...this.#held.values()];
    if (before.length === 0) return;
    try {
      const renewed = await this.#deps.source.renew(before.map(({ lease }) => lease));
      this.#deps.away.answered();
      const ours = new Set(renewed.map(leaseKey));
      for (const { lease } of before) if (!ours.has(leaseKey(lease))) this.#lose(lease, "lost");
    } catch (error) {
      this.#deps.away.failed(error, "worker.heartbeat_failed");
    }
  }

  /** The watch before it watched for fewer leases. Once for all that are claimed together. */
  #watchAgain(): void {
    this.#watch?.abort();
    const watch = new AbortController();
    this.#watch = watch;
    queueMicrotask(() => void this.#watchUntil(watch.signal));
  }

  async #watchUntil(stop: AbortSignal): Promise<void> {
    while (!stop.aborted && this.#held.size > 0) {
      try {
        const killed = await this.#deps.source.watch([...this.#held.values()].map(({ lease }) => lease), stop);
        for (const lease of killed) this.#lose(lease, "killed");
        if (killed.length === 0 && !stop.aborted) await this.renew();
      } catch (error) {
        this.#deps.log.debug({ err: error }, "worker.watch_failed");
        // Renewals go on by the clock and find a kill as well, later.
        await delay(limits.watchRetryMs, undefined, { signal: stop }).catch(() => undefined);
      }
    }
  }

  #lose(lease: Lease, reason: "killed" | "lost"): void {
    const held = this.#held.get(leaseKey(lease));
    this.release(lease);
    held?.onLost(reason);
  }
}
