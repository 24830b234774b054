// The door to PostgreSQL: a pool with retries for what is safe to repeat, transactions, and notifications.

import { setTimeout as delay } from "node:timers/promises";

import pg from "pg";

import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { Announcer } from "./announcer.ts";
import type { AnnouncingResult } from "./announcer.ts";
import { Batches } from "./batches.ts";
import { isConnectionError } from "./connection-error.ts";
import { Listener, listenerName } from "./listener.ts";
import type { Subscription } from "./listener.ts";
import type { Prepared, Queryable } from "./queryable.ts";
import { remembering } from "./remembering.ts";
import { sessionsOf } from "./session.ts";
import { failureOf, isUnavailable, unavailable } from "./statement-failure.ts";

/** Where the database is: a URL (several hosts may stand in it, hosts.ts), or the socket folder of an embedded one. */
export type DatabaseAddress =
  | { readonly connectionString: string }
  | { readonly host: string; readonly user: string; readonly database: string };

export interface Database extends Queryable {
  /** Runs one statement. Outlasts a database that is away for a moment where repeating is safe: while no session can be
   *  had, and for `select` statements also afterwards. Throws SERVER_UNAVAILABLE when the database stays away, or when a
   *  write may or may not have happened. Columns named `announce:CHANNEL` are notified on that channel once the statement
   *  is committed (announcer.ts); so it is inside `transaction` and `batch`. */
  query: Queryable["query"];
  /** Runs `work` in one transaction: committed when it returns, rolled back when it throws.
   *  Throws SERVER_UNAVAILABLE when the connection is lost on the way; whether it was committed is then unknown. */
  transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result>;
  /** The same for statements that do not need each other's answers: `work` sends all of them in its first turn, and they go to
   *  PostgreSQL together with begin and commit, for one trip and one wait for the disk. What PostgreSQL refuses undoes all of it, a
   *  lock that is not had within `limits.batchLockMs` too. Throws NothingSent when no session can be had soon, SERVER_UNAVAILABLE when
   *  the connection is lost on the way; whether it was committed is then unknown. */
  batch<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result>;
  /** Notifies what was committed before, as columns named `announce:CHANNEL` are. Returns at once. */
  announce(channel: string, payloads: readonly string[]): void;
  /** Calls `onNotification` for each NOTIFY on `channel`. Notifications may be lost while the database is away:
   *  `onReconnect` then tells the listener to look for itself. Resolves when listening. */
  listen(
    channel: string,
    onNotification: (payload: string) => void,
    onReconnect?: () => void,
  ): Promise<Subscription>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** A session that has not answered a statement for this long is given up; 0: never. Default: the limit. */
  readonly answerMs?: number;
  /** Sessions beyond those that stay open are closed when they were not used for this long. Default: the limit. */
  readonly idleMs?: number;
  /** How often the session that listens is asked whether it lives. Default: the limit. */
  readonly pingMs?: number;
}

/** Opens a pool; connects at the first use. bigint and numeric columns are strings, timestamptz is a Date, json is parsed. */
export function openDatabase(deps: { log: Log }, address: DatabaseAddress, options: DatabaseOptions = {}): Database {
  return new PoolDatabase(deps.log, address, { ...defaultOptions, ...options });
}

const defaultOptions: Required<DatabaseOptions> = {
  answerMs: limits.databaseAnswerMs,
  idleMs: limits.poolIdleMs,
  pingMs: limits.databasePingMs,
};

/** What pool and listener share. A connection whose other end vanished (a power cut, a firewall that forgot it) is found
 *  by keep-alives while it is silent and by its missing answer while it is not. */
const sessionSettings = {
  connectionTimeoutMillis: limits.poolWaitMs,
  keepAlive: true,
  keepAliveInitialDelayMillis: limits.databaseKeepAliveMs,
} as const;

class PoolDatabase implements Database {
  readonly #log: Log;
  readonly #pool: pg.Pool;
  readonly #batches: Batches;
  readonly #listener: Listener;
  readonly #announcer: Announcer;
  #closed: Promise<void> | undefined;

  constructor(log: Log, address: DatabaseAddress, { answerMs, idleMs, pingMs }: Required<DatabaseOptions>) {
    this.#log = log;
    const Client = sessionsOf(address);
    const shared = { ...address, ...sessionSettings, query_timeout: answerMs };
    const pooled = { ...shared, Client, idleTimeoutMillis: idleMs, application_name: "atelier" };
    this.#pool = new pg.Pool({ ...pooled, max: limits.poolConnections, min: limits.poolKeptConnections });
    this.#batches = new Batches(log, address, pooled);
    // A pool without this handler ends the process when an idle session breaks.
    this.#pool.on("error", this.#onIdleError);
    const makeClient = (): pg.Client => new Client({ ...shared, application_name: listenerName });
    const onServers = (servers: number): void => this.#announcer.heardBy(servers);
    this.#listener = new Listener(log, { makeClient, isOwn: (backend) => this.#announcer.isOwn(backend), onServers, pingMs });
    this.#announcer = new Announcer(log, { ...shared, Client }, { tellOwn: (channel, payload) => this.#listener.tell(channel, payload) });
  }

  async query<Row extends object>(statement: string | Prepared, values: unknown[] = []): Promise<{ rows: Row[]; rowCount: number | null }> {
    const { text, ...more } = typeof statement === "string" ? { text: statement } : statement;
    const mayRepeat = /^\s*select\b/i.test(text) && !/\bfor\s+update\b/i.test(text);
    const deadline = performance.now() + limits.databaseAwayMs;
    for (let attempt = 0; ; attempt += 1) {
      const client = await this.#session(deadline);
      let broken: Error | undefined;
      let result: pg.QueryResult<Row & pg.QueryResultRow> | undefined;
      try {
        result = await client.query<Row & pg.QueryResultRow>({ text, ...more, values });
      } catch (error) {
        const failure = failureOf(error);
        if (!isUnavailable(failure)) throw failure;
        broken = failure;
        if (!mayRepeat || performance.now() > deadline) throw failure;
      } finally {
        client.release(broken);
      }
      // Nothing that follows can fail what is committed.
      if (result) {
        this.#announcer.announce(result);
        return result;
      }
      await delay(retryWaitMs(attempt));
    }
  }

  async transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result> {
    const client = await this.#session(performance.now() + limits.databaseAwayMs);
    const answers: AnnouncingResult[] = [];
    const tx = remembering(client, answers);
    let result: Result;
    let broken: Error | undefined;
    try {
      await tx.query("begin");
      result = await work(tx);
      await tx.query("commit");
    } catch (error) {
      if (isUnavailable(error)) {
        broken = error;
        throw error;
      }
      await client.query("rollback").catch((rollbackError: Error) => {
        broken = rollbackError;
      });
      throw error;
    } finally {
      client.release(broken);
    }
    for (const answer of answers) this.#announcer.announce(answer);
    return result;
  }

  async batch<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result> {
    const { result, answers } = await this.#batches.send(work);
    for (const answer of answers) this.#announcer.announce(answer);
    return result;
  }

  announce(channel: string, payloads: readonly string[]): void {
    this.#announcer.tell(channel, payloads);
  }

  listen(
    channel: string,
    onNotification: (payload: string) => void,
    onReconnect: () => void = () => undefined,
  ): Promise<Subscription> {
    return this.#listener.listen(channel, { onNotification, onReconnect });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all([this.#listener.close(), this.#pool.end(), this.#batches.close()]);
    await this.#announcer.close();
  }

  /** A session that answered just now or never broke; nothing has been sent yet, so waiting for it is always safe. */
  async #session(deadline: number): Promise<pg.PoolClient> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const client = await this.#pool.connect();
        if (client.listenerCount("error") === 0) client.on("error", this.#onSessionError);
        return client;
      } catch (error) {
        if (!isConnectionError(error)) throw error;
        if (this.#closed || performance.now() > deadline) throw unavailable(error);
      }
      await delay(retryWaitMs(attempt));
    }
  }

  readonly #onIdleError = (error: Error): void => {
    // Sessions that are being closed may still hear PostgreSQL's own goodbye.
    if (!this.#closed) this.#log.warn({ err: error }, "database.session-lost");
  };

  /** A session that breaks while it is lent out: the statement that uses it fails by itself. */
  readonly #onSessionError = (error: Error): void => {
    this.#log.debug({ err: error }, "database.session-error");
  };
}

/** Doubles from try to try, up to the limit. */
export function retryWaitMs(attempt: number): number {
  return Math.min(limits.databaseRetryMs * 2 ** attempt, limits.databaseRetryMaxMs);
}
