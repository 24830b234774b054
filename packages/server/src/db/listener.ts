// One session that listens for notifications on any number of channels and comes back when it is lost.

import { setTimeout as delay } from "node:timers/promises";

import pg from "pg";

import type { Log } from "../log.ts";
import { limits } from "../limits.ts";
import { announceSeparator } from "./announcer.ts";

export interface Subscription {
  /** No call comes after this. */
  stop(): void;
}

interface Handlers {
  readonly onNotification: (payload: string) => void;
  readonly onReconnect: () => void;
}

export interface ListenerParts {
  /** Its sessions have the name `listenerName`. */
  readonly makeClient: () => pg.Client;
  /** Whether the notifications of a PostgreSQL process were told by `tell`. */
  readonly isOwn: (backend: number | undefined) => boolean;
  /** Called with the number of sessions that listen on this database, at first and with each ping. */
  readonly onServers: (servers: number) => void;
  /** How often the session is asked whether it lives; how long it may take to answer is the client's own. */
  readonly pingMs: number;
}

export const listenerName = "atelier-listen";

const countListeners = {
  name: "listeners",
  text: `select count(*)::int as servers from pg_stat_activity where application_name = $1 and datname = current_database()`,
  values: [listenerName],
};

export class Listener {
  readonly #log: Log;
  readonly #makeClient: () => pg.Client;
  readonly #isOwn: (backend: number | undefined) => boolean;
  readonly #channels = new Map<string, Set<Handlers>>();
  #client: Promise<pg.Client> | undefined;
  #closed = false;
  readonly #closing = new AbortController();
  readonly #onServers: (servers: number) => void;
  readonly #pingMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isAsked = false;

  constructor(log: Log, parts: ListenerParts) {
    this.#log = log;
    this.#makeClient = parts.makeClient;
    this.#isOwn = parts.isOwn;
    this.#onServers = parts.onServers;
    this.#pingMs = parts.pingMs;
  }

  async listen(channel: string, handlers: Handlers): Promise<Subscription> {
    const known = this.#channels.get(channel);
    const set = known ?? new Set();
    set.add(handlers);
    this.#channels.set(channel, set);
    this.#client ??= this.#connect();
    this.#timer ??= setInterval(() => void this.#ping(), this.#pingMs).unref();
    const client = await this.#client;
    // A repeated LISTEN does nothing, so a race with a reconnection is harmless.
    await client.query(`listen ${pg.escapeIdentifier(channel)}`).catch(this.#onError);
    return { stop: () => void set.delete(handlers) };
  }

  /** Tells handlers, as of what this process itself has announced. */
  tell(channel: string, announcement: string): void {
    for (const { onNotification } of this.#channels.get(channel) ?? []) this.#guarded(channel, () => onNotification(announcement));
  }

  /** What it tells of is committed, or was written by anybody who may write to the database: a listener that fails must fail
   *  nothing else. */
  #guarded(channel: string, tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#log.error({ err: error, channel }, "database.listener-failed");
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#closing.abort();
    clearInterval(this.#timer);
    const client = await this.#client?.catch(() => undefined);
    await client?.end().catch(() => undefined);
  }

  /** Tries until it succeeds or is closed. */
  async #connect(): Promise<pg.Client> {
    for (let attempt = 0; ; attempt += 1) {
      const client = this.#makeClient();
      try {
        client.on("error", this.#onError);
        client.on("notification", ({ channel, payload, processId }) => {
          if (!this.#isOwn(processId)) this.#notify(channel, payload ?? "");
        });
        await client.connect();
        for (const channel of this.#channels.keys()) await client.query(`listen ${pg.escapeIdentifier(channel)}`);
        await this.#count(client);
        client.once("end", () => this.#reconnect());
        return client;
      } catch (error) {
        client.end().catch(() => undefined);
        if (this.#closed) throw error;
        this.#log.debug({ err: error, attempt }, "database.listen-retry");
      }
      const waitMs = Math.min(limits.databaseRetryMs * 2 ** attempt, limits.databaseRetryMaxMs);
      await delay(waitMs, undefined, { signal: this.#closing.signal });
    }
  }

  /** Whoever only listens does not notice that nobody speaks any more. Without an answer the session is cut, and its end
   *  reconnects. */
  async #ping(): Promise<void> {
    if (this.#isAsked) return;
    this.#isAsked = true;
    const client = await this.#client?.catch(() => undefined);
    if (client) {
      await this.#count(client).catch((error: unknown) => {
        this.#log.debug({ err: error }, "database.listen-unanswered");
        client.end().catch(() => undefined);
      });
    }
    this.#isAsked = false;
  }

  async #count(client: pg.Client): Promise<void> {
    const { rows } = await client.query<{ servers: number }>(countListeners);
    if (rows[0]) this.#onServers(rows[0].servers);
  }

  #reconnect(): void {
    if (this.#closed) return;
    this.#log.warn({}, "database.listen-lost");
    this.#client = this.#connect();
    this.#client.then(
      () => {
        this.#log.info({}, "database.listening-again");
        for (const [channel, set] of this.#channels) for (const { onReconnect } of set) this.#guarded(channel, onReconnect);
      },
      () => undefined,
    );
  }

  #notify(channel: string, payload: string): void {
    for (const announcement of payload.split(announceSeparator)) this.tell(channel, announcement);
  }

  /** The `end` event follows and reconnects. */
  readonly #onError = (error: Error): void => {
    this.#log.debug({ err: error }, "database.listen-error");
  };
}
