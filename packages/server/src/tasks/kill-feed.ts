// Tells which attempts were killed, as it happens: one subscription per process.

import type { Database } from "../db/database.ts";
import type { Subscription } from "../db/listener.ts";
import { limits } from "../limits.ts";
import { leaseKey } from "./task-source.ts";
import type { Lease } from "./task-source.ts";

export interface KillFeed {
  /** Resolves to those of `held` that were killed, as soon as one is, be it a moment before the call. Resolves to none after
   *  `waitMs`, when `signal` is aborted, and when notifications may have been lost. */
  watch(held: readonly Lease[], options: { signal: AbortSignal; waitMs: number }): Promise<readonly Lease[]>;
  /** Ends all watches. */
  close(): void;
}

export async function openKillFeed(deps: { db: Database }): Promise<KillFeed> {
  const feed = new NotifiedKills();
  await feed.listen(deps.db);
  return feed;
}

class NotifiedKills implements KillFeed {
  /** Keys of the newest kills, oldest first: a watch that begins just after a kill must not miss it. */
  readonly #recent = new Set<string>();
  /** What ends each watch, with the keys that it watches for. */
  readonly #watches = new Map<() => void, ReadonlySet<string>>();
  #subscription: Subscription | undefined;

  async listen(db: Database): Promise<void> {
    this.#subscription = await db.listen("atelier_kill", (key) => this.#onKill(key), () => this.#endAll());
  }

  watch(held: readonly Lease[], { signal, waitMs }: { signal: AbortSignal; waitMs: number }): Promise<readonly Lease[]> {
    const killed = (): Lease[] => held.filter((lease) => this.#recent.has(leaseKey(lease)));
    if (signal.aborted || killed().length > 0) return Promise.resolve(killed());
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        this.#watches.delete(end);
        resolve(killed());
      };
      const timer = setTimeout(end, waitMs);
      signal.addEventListener("abort", end, { once: true });
      this.#watches.set(end, new Set(held.map(leaseKey)));
    });
  }

  close(): void {
    this.#subscription?.stop();
    this.#endAll();
  }

  /** The notification is the key of the killed lease. */
  #onKill(key: string): void {
    this.#recent.add(key);
    for (const oldest of this.#recent) {
      if (this.#recent.size <= limits.recentKills) break;
      this.#recent.delete(oldest);
    }
    for (const [end, watched] of this.#watches) if (watched.has(key)) end();
  }

  #endAll(): void {
    for (const end of this.#watches.keys()) end();
  }
}
