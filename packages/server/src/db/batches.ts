// Transactions in one trip, on sessions of their own that send a statement before the one ahead is answered (pg's `pipeline`).
//
// They are a shorter way of what could be done by itself: whoever takes it must not fare worse where sessions or locks are scarce.

import pg from "pg";

import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import type { AnnouncingResult } from "./announcer.ts";
import type { DatabaseAddress } from "./database.ts";
import type { Queryable } from "./queryable.ts";
import { remembering } from "./remembering.ts";
import { sessionsOf } from "./session.ts";
import { isUnavailable } from "./statement-failure.ts";

/** No session could be had soon: nothing was done. */
export class NothingSent extends Error {}

/** Locks that somebody else holds for long are not waited for. When a connection dies before the commit has come, PostgreSQL holds the
 *  locks until it knows. */
const sessionSettings = {
  lock_timeout: `${limits.batchLockMs}ms`,
  idle_in_transaction_session_timeout: `${limits.batchSilenceMs}ms`,
} as const;

export class Batches {
  readonly #log: Log;
  readonly #pool: pg.Pool;
  /** Until then no session is asked for: none could be had. */
  #restsUntilMs = 0;
  #isClosed = false;

  constructor(log: Log, address: DatabaseAddress, settings: pg.PoolConfig) {
    this.#log = log;
    const [Client, sessions] = [sessionsOf(address, sessionSettings), limits.batchConnections];
    const pooled = { max: sessions, min: sessions, connectionTimeoutMillis: limits.batchWaitMs };
    this.#pool = new pg.Pool({ ...settings, ...pooled, Client, pipeline: true });
    // A pool without this handler ends the process when an idle session breaks.
    this.#pool.on("error", (error) => {
      if (!this.#isClosed) log.debug({ err: error }, "database.batch-session-lost");
    });
  }

  /** As `Database.batch`; `answers` have something to announce. */
  async send<Result>(work: (tx: Queryable) => Promise<Result>): Promise<{ result: Result; answers: AnnouncingResult[] }> {
    const client = await this.#session();
    const answers: AnnouncingResult[] = [];
    let broken: Error | undefined;
    try {
      return { result: await sendTogether(remembering(client, answers), work), answers };
    } catch (error) {
      if (isUnavailable(error)) broken = error;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#pool.end();
  }

  async #session(): Promise<pg.PoolClient> {
    if (performance.now() < this.#restsUntilMs) throw new NothingSent();
    try {
      const client = await this.#pool.connect();
      if (client.listenerCount("error") === 0) client.on("error", this.#onSessionError);
      return client;
    } catch (cause) {
      this.#restsUntilMs = performance.now() + limits.batchRestMs;
      this.#log.info({ err: cause }, "database.no-batch-session");
      throw new NothingSent("no session could be had", { cause });
    }
  }

  /** A session that breaks while it is lent out: the statements that use it fail by themselves. */
  readonly #onSessionError = (error: Error): void => {
    this.#log.debug({ err: error }, "database.session-error");
  };
}

/** Sends begin, what `work` sends in its first turn, and commit. After a refusal PostgreSQL refuses what follows, and takes the
 *  commit for a rollback. Resolves to what `work` does once all is answered; throws the first error. */
async function sendTogether<Result>(session: Queryable, work: (tx: Queryable) => Promise<Result>): Promise<Result> {
  let isSent = false;
  const tx: Queryable = {
    query: (statement, values) => (isSent ? Promise.reject(new Error("the batch has been sent")) : session.query(statement, values)),
  };
  const begun = session.query("begin");
  const worked = (async () => work(tx))();
  isSent = true;
  const committed = session.query("commit");
  const answers = await Promise.allSettled([begun, worked, committed]);
  const refused = answers.find((answer) => answer.status === "rejected");
  if (refused) throw refused.reason;
  // pg keeps it: `ROLLBACK` when a statement was refused and `work` did not mind.
  const { command } = (await committed) as { command?: string };
  if (command !== "COMMIT") throw new Error("a statement of the batch was refused, so all of it was undone");
  return worked;
}
