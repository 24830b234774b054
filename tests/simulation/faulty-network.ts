// A database whose callers crash at the worst moments: just before a commit, or after it and before its answer arrives.

import type { Database } from "../../packages/server/src/db/database.ts";
import type { Prepared, Queryable } from "../../packages/server/src/db/queryable.ts";
import { AtelierError } from "../../packages/server/src/errors.ts";
import type { SeededRandom } from "./random.ts";

/** The caller does not know whether what it asked for happened. As production is told it when a session is lost. */
export class AnswerLost extends AtelierError {
  constructor() {
    super("SERVER_UNAVAILABLE");
  }
}

export type Writes = Pick<Database, "query" | "transaction" | "batch" | "announce">;

/** What one process does in one turn. Of 100 such turns about `lostPercent` have a call undone at the last moment, and in as many
 *  one is done and never heard of: mostly the first, else the second. Half of these processes die of it, so that nothing
 *  that they still ask is heard either; the others live on and may ask again. All of it is drawn now. */
export function faultyNetwork(db: Database, random: SeededRandom, lostPercent: number): Writes {
  const dice = random.below(100);
  const struck = { call: random.chance(0.75) ? 1 : 2, isDone: dice >= lostPercent, dies: random.chance(0.5) };
  return dice < 2 * lostPercent ? new FaultyNetwork(db, struck) : db;
}

class FaultyNetwork implements Writes {
  readonly #db: Database;
  readonly #struck: { readonly call: number; readonly isDone: boolean; readonly dies: boolean };
  #calls = 0;
  #isDead = false;

  constructor(db: Database, struck: { call: number; isDone: boolean; dies: boolean }) {
    this.#db = db;
    this.#struck = struck;
  }

  async query<Row extends object>(statement: string | Prepared, values?: unknown[]): Promise<{ rows: Row[]; rowCount: number | null }> {
    if (!this.#isStruck()) return this.#db.query<Row>(statement, values);
    if (!this.#struck.isDone) return this.#undone((tx) => tx.query(statement, values));
    await this.#db.query(statement, values);
    throw new AnswerLost();
  }

  async transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result> {
    if (!this.#isStruck()) return this.#db.transaction(work);
    if (!this.#struck.isDone) return this.#undone(work);
    await this.#db.transaction(work);
    throw new AnswerLost();
  }

  async batch<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result> {
    if (!this.#isStruck()) return this.#db.batch(work);
    if (!this.#struck.isDone) return this.#undone(work);
    await this.#db.batch(work);
    throw new AnswerLost();
  }

  announce(channel: string, payloads: readonly string[]): void {
    if (!this.#isDead) this.#db.announce(channel, payloads);
  }

  /** Throws when the process died before. */
  #isStruck(): boolean {
    if (this.#isDead) throw new AnswerLost();
    this.#calls += 1;
    if (this.#calls !== this.#struck.call) return false;
    this.#isDead = this.#struck.dies;
    return true;
  }

  /** Everything but the commit. The session itself is sound: a new one would plan all statements anew. */
  async #undone(work: (tx: Queryable) => Promise<unknown>): Promise<never> {
    const undoing = new Error("crashed before the commit");
    try {
      await this.#db.transaction(async (tx) => {
        await work(tx);
        throw undoing;
      });
    } catch (error) {
      if (error !== undoing) throw error;
    }
    throw new AnswerLost();
  }
}
