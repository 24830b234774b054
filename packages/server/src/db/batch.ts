// A transaction in one trip, on a session that sends a statement before the one ahead is answered (pg's `pipeline`).

import type { Queryable } from "./queryable.ts";

/** Sends begin, what `work` sends in its first turn, and commit. After a refusal PostgreSQL refuses what follows, and takes the
 *  commit for a rollback. Resolves to what `work` does once all is answered; throws the first error. */
export async function sendTogether<Result>(session: Queryable, work: (tx: Queryable) => Promise<Result>): Promise<Result> {
  let isSent = false;
  const tx: Queryable = {
    query: (statement, values) => (isSent ? Promise.reject(new Error("the batch has been sent")) : session.query(statement, values)),
  };
  const begun = session.query("begin");
  const worked = work(tx);
  isSent = true;
  const answers = await Promise.allSettled([begun, worked, session.query("commit")]);
  const refused = answers.find((answer) => answer.status === "rejected");
  if (refused) throw refused.reason;
  return worked;
}
