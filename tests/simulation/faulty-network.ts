// A database whose callers crash at the worst moments: just before a commit, or after it and before its answer arrives.

import type { Database } from "../../packages/server/src/db/database.ts";
import type { SeededRandom } from "./random.ts";

/** The caller does not know whether what it asked for happened. */
export class AnswerLost extends Error {}

export type Writes = Pick<Database, "query" | "transaction">;

/** Of 100 writes about `lostPercent` are undone at the last moment, and as many are done and never heard of. The fate is
 *  drawn now: one call, one fate. */
export function faultyNetwork(db: Database, random: SeededRandom, lostPercent: number): Writes {
  const dice = random.below(100);
  if (dice < lostPercent) return undone(db);
  if (dice < 2 * lostPercent) return unheard(db);
  return { query: db.query.bind(db), transaction: db.transaction.bind(db) };
}

function undone(db: Database): Writes {
  const transaction: Writes["transaction"] = (work) =>
    db.transaction(async (tx) => {
      await work(tx);
      throw new AnswerLost("crashed before the commit");
    });
  return { transaction, query: (text, values) => transaction((tx) => tx.query(text, values)) };
}

function unheard(db: Database): Writes {
  const forget = (): never => {
    throw new AnswerLost("crashed after the commit");
  };
  return {
    query: (text, values) => db.query(text, values).then(forget),
    transaction: (work) => db.transaction(work).then(forget),
  };
}
