// Asks a server again that is away or in trouble for a moment, as a restart or an update makes it.

import { setTimeout as delay } from "node:timers/promises";

import { limits } from "../limits.ts";
import { ApiRefusal } from "./api-client.ts";
import { ServerAway } from "./ask.ts";

/** Calls `ask`, which must be safe to repeat, until it succeeds, is refused (4xx), or `awayMs` have passed without an answer.
 *  `onAway` is called before each wait. Aborting `signal` ends the waiting: the last failure is thrown. */
export async function outlast<Answer>(
  ask: () => Promise<Answer>,
  { awayMs, signal, onAway }: { awayMs: number; signal: AbortSignal; onAway?: () => void },
): Promise<Answer> {
  const deadline = Date.now() + awayMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const waitMs = retryWaitMs(error);
      if (waitMs === undefined || signal.aborted || Date.now() + waitMs > deadline) throw error;
      onAway?.();
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** How long to wait before asking again; undefined when asking again would change nothing. */
function retryWaitMs(error: unknown): number | undefined {
  if (error instanceof ServerAway) return limits.clientRetryMs;
  if (!(error instanceof ApiRefusal) || error.httpStatus < 500) return undefined;
  return Math.min(error.retryAfterMs ?? limits.clientRetryMs, limits.clientRetryMaxMs);
}
