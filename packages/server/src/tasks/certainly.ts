// Repeats a fenced write whose answer was lost with the connection, without doing it twice.

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";

/** Runs `write` until its outcome is known. When the database goes away in the middle, `happened` asks it afterwards
 *  whether the write was committed; only if not is it tried again, a bounded number of times. Resolves to what `write`
 *  returned, or true when it turned out to have happened. */
export async function certainly(
  write: () => Promise<boolean>,
  happened: () => Promise<boolean>,
): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      // A repeated write that finds nothing to do may be late: its first try was still being committed.
      return (await write()) || (attempt > 1 && (await happened()));
    } catch (error) {
      if (!isUnavailable(error) || attempt >= limits.unknownOutcomeTries) throw error;
      if (await happened()) return true;
    }
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AtelierError && error.code === "SERVER_UNAVAILABLE";
}
