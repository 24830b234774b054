// Tells listeners what was committed, outside the transactions that committed it.
//
// A transaction with NOTIFY in it holds one lock of the whole cluster while it waits for the disk (PostgreSQL's async.c), so
// commits stand in line where they could share a flush. Announced afterwards, many at a time and without waiting for the
// disk, 32 workers end tasks several times as fast (benchmarks/queue/run.mjs). An announcement that is lost with its process
// costs time and nothing else: every listener also looks for itself. Listeners of the same process hear at once.

import { setTimeout as delay } from "node:timers/promises";

import pg from "pg";

import { limits } from "../limits.ts";
import type { Log } from "../log.ts";

/** A column of this name is announced on the channel after the colon when its statement has been committed. */
export const announcePrefix = "announce:";

/** Separates announcements that share a notification. */
export const announceSeparator = "\n";

/** What a committed statement returned, as far as announcements go. */
export type AnnouncingResult = Pick<pg.QueryResult<Record<string, unknown>>, "fields" | "rows">;

/** From one statement that announces to the next. Each server that hears one costs PostgreSQL time: the more there are, the more
 *  news share a NOTIFY (benchmarks/capacity/simulate.mjs). */
export function announcePauseMs(servers: number): number {
  return Math.min(Math.max(limits.announcePauseMs, servers * limits.announcePausePerServerMs), limits.announcePauseMostMs);
}

export class Announcer {
  readonly #log: Log;
  readonly #tellOwn: (channel: string, announcement: string) => void;
  #pauseMs: number;
  readonly #pool: pg.Pool;
  readonly #waiting = new Map<string, Set<string>>();
  #waitingCharacters = 0;
  /** PostgreSQL's process for each session. */
  readonly #sessions = new Set<number | undefined>();
  #sending: Promise<void> | undefined;

  /** `tellOwn` tells this process's listeners. `pauseMs`: for tests. */
  constructor(
    log: Log,
    settings: pg.PoolConfig,
    { tellOwn, pauseMs = announcePauseMs(1) }: { tellOwn: (channel: string, announcement: string) => void; pauseMs?: number },
  ) {
    this.#log = log;
    this.#tellOwn = tellOwn;
    this.#pauseMs = pauseMs;
    this.#pool = new pg.Pool({ ...settings, max: 1, application_name: "atelier-announce" });
    this.#pool.on("error", this.#onError);
    this.#pool.on("connect", (client) => this.#sessions.add(backendOf(client)));
    this.#pool.on("remove", (client) => this.#sessions.delete(backendOf(client)));
  }

  /** How many servers hear what is announced, this one among them. */
  heardBy(servers: number): void {
    this.#pauseMs = announcePauseMs(servers);
  }

  /** Whether a notification came from here: its listeners of this process have heard it. */
  isOwn(backend: number | undefined): boolean {
    return this.#sessions.has(backend);
  }

  /** Announces the columns of a result that ask for it. Returns at once. */
  announce(result: AnnouncingResult): void {
    for (const { name } of result.fields ?? []) {
      if (!name.startsWith(announcePrefix)) continue;
      const payloads = result.rows.map((row) => row[name]).filter((payload) => typeof payload === "string");
      this.tell(name.slice(announcePrefix.length), payloads);
    }
  }

  /** Announces on one channel. Returns at once. */
  tell(channel: string, payloads: readonly string[]): void {
    if (payloads.length === 0) return;
    const waiting = this.#waitingOn(channel);
    for (const payload of payloads) {
      this.#tellOwn(channel, payload);
      if (waiting.has(payload) || this.#waitingCharacters + payload.length > limits.announcementCharacters) continue;
      waiting.add(payload);
      this.#waitingCharacters += payload.length;
    }
    this.#sending ??= this.#send().finally(() => (this.#sending = undefined));
  }

  /** Sends what waits, then closes the session. */
  async close(): Promise<void> {
    await this.#sending;
    await this.#pool.end();
  }

  #waitingOn(channel: string): Set<string> {
    const known = this.#waiting.get(channel) ?? new Set();
    this.#waiting.set(channel, known);
    return known;
  }

  /** One statement at a time, the first one at once. Whatever is announced meanwhile, or in the pause after it, shares the next one:
   *  at hundreds of tasks a second a statement for each costs server and PostgreSQL more than what it saves the waiting
   *  (`node benchmarks/server/submit.mjs` prints their shares of the processors). */
  async #send(): Promise<void> {
    // What is committed in the same turn of the event loop goes along.
    await new Promise(setImmediate);
    do {
      const notifications = [...this.#waiting].flatMap(([channel, payloads]) => packed(channel, payloads));
      this.#waiting.clear();
      this.#waitingCharacters = 0;
      try {
        const values = [notifications.map(({ channel }) => channel), notifications.map(({ payload }) => payload)];
        await this.#pool.query({ ...notifyAll, values });
      } catch (error) {
        this.#log.debug({ err: error, count: notifications.length }, "database.announcement_lost");
      }
      await delay(this.#pauseMs);
    } while (this.#waiting.size > 0);
  }

  readonly #onError = (error: Error): void => {
    this.#log.debug({ err: error }, "database.announce-error");
  };
}

/** pg keeps it, and its types leave it out. */
function backendOf(client: pg.PoolClient): number | undefined {
  return (client as { processID?: number }).processID;
}

/** Nothing is written but the commit itself, and nobody waits for that to reach the disk. */
const notifyAll = { name: "announce", text: `
  select set_config('synchronous_commit', 'off', true), pg_notify(n.channel, n.payload)
    from unnest($1::text[], $2::text[]) as n (channel, payload)` };

/** As few notifications as PostgreSQL's payload limit allows. */
function packed(channel: string, payloads: Iterable<string>): { channel: string; payload: string }[] {
  const notifications: { channel: string; payload: string }[] = [];
  let text: string | undefined;
  for (const payload of payloads) {
    const longer: string = text === undefined ? payload : text + announceSeparator + payload;
    if (text !== undefined && longer.length > limits.notificationCharacters) {
      notifications.push({ channel, payload: text });
      text = payload;
    } else text = longer;
  }
  if (text !== undefined) notifications.push({ channel, payload: text });
  return notifications;
}
