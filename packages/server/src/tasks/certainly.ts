// Repeats a fenced write whose answer was lost with the connection, without doing it twice.

import { setTimeout as delay } from "node:timers/promises";

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";

/** Runs `write` until its outcome is known. When the database goes away in the middle, `happened` asks it afterwards
 *  whether the write was committed; only if not is it tried again, a bounded number of times. A question that finds the
 *  database away counts as a try. Resolves to what `write` returned, or true when it turned out to have happened. `pause`
 *  waits before each further try. Default: the limit. */
export async function certainly(
  write: () => Promise<boolean>,
  happened: () => Promise<boolean>,
  pause: () => Promise<unknown> = () => delay(limits.unknownOutcomePauseMs),
): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (attempt > 1 && (await happened())) return true;
      // A repeated write that finds nothing to do may be late: its first try was still being committed.
      return (await write()) || (attempt > 1 && (await happened()));
    } catch (error) {
      if (!isUnavailable(error) || attempt >= limits.unknownOutcomeTries) throw error;
    }
    await pause();
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AtelierError && error.code === "SERVER_UNAVAILABLE";
}
