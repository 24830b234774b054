// Tells every server something that is stored nowhere.

import { announcePrefix } from "../announcer.ts";
import type { Queryable } from "../queryable.ts";

/** `payloads`: one line each, at most `limits.notificationCharacters`. They are sent after the statement, with what else is announced. */
export async function announceAll(db: Queryable, channel: string, payloads: readonly string[]): Promise<void> {
  await db.query(`select unnest($1::text[]) as "${announcePrefix}${channel}"`, [payloads]);
}
