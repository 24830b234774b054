// The database of a simulation: few sessions, and each keeps all statements that it was ever asked.

import type { Database } from "../../packages/server/src/db/database.ts";
import type { Prepared, Queryable } from "../../packages/server/src/db/queryable.ts";

/** As many as operations race at once. A session plans each statement once, and planning all of them takes 0.2 s. */
const sessions = 6;

/** Statements that production does not keep are kept too. Their plans are the same: a session plans every statement for all values
 *  alike (db/database.ts). */
export function fewSessions(db: Database): Database {
  const names = new Map<string, string>();
  const kept = (statement: string | Prepared): Prepared => {
    if (typeof statement !== "string") return statement;
    const name = names.get(statement) ?? `kept-${names.size}`;
    names.set(statement, name);
    return { name, text: statement };
  };
  const keeping = (inner: Queryable): Queryable => ({ query: (statement, values) => inner.query(kept(statement), values) });
  const inTurn = atMost(sessions);
  return {
    query: (statement, values) => inTurn(() => keeping(db).query(statement, values)),
    transaction: (work) => inTurn(() => db.transaction((tx) => work(keeping(tx)))),
    batch: (work) => inTurn(() => db.batch((tx) => work(keeping(tx)))),
    announce: db.announce.bind(db),
    listen: db.listen.bind(db),
    close: db.close.bind(db),
  };
}

/** So many at once; the others in the order of their coming. */
function atMost(most: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = [];
  let free = most;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
