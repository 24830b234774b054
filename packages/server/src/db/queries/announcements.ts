// Tells every server something that is stored nowhere.

import { announcePrefix } from "../announcer.ts";
import type { Queryable } from "../queryable.ts";

/** `payload`: one line, at most `limits.notificationCharacters`. It is sent after the statement, with what else is announced. */
export async function announce(db: Queryable, channel: string, payload: string): Promise<void> {
  await db.query(`select $1::text as "${announcePrefix}${channel}"`, [payload]);
}
