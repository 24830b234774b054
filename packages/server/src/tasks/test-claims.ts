// A database for tests that notes which claims found nothing.

import type { Database } from "../db/database.ts";
import { databaseWith } from "../db/test-database.ts";

/** `whenEmpty`: called, and waited for, when the next claim has found nothing and nobody knows yet. */
export function notingEmptyAnswers(db: Database) {
  let onEmpty = async (): Promise<void> => undefined;
  const noted = databaseWith(db, {
    async query<Row extends object>(...[statement, values]: Parameters<Database["query"]>) {
      const answer = await db.query<Row>(statement, values);
      if (answer.rows[0] && "id" in answer.rows[0] && answer.rows[0].id === null) await onEmpty();
      return answer;
    },
  });
  const whenEmpty = (call: () => Promise<void>): void => {
    onEmpty = async () => {
      onEmpty = async () => undefined;
      await call();
    };
  };
  /** Until the next claim was told that there is nothing. */
  const untilEmpty = (): Promise<void> => new Promise((resolve) => whenEmpty(async () => void setImmediate(resolve)));
  return { noted, whenEmpty, untilEmpty };
}
