// Does a piece of upkeep again and again, one pass at a time.

import type { Log } from "../log.ts";

export interface Upkeep {
  /** One pass; resolves to the number of rows that it changed. A pass that is under way is shared. */
  runOnce(): Promise<number>;
  stop(): Promise<void>;
}

/** `name`: of the log events, as in `rescue`. A pass that fails is logged and tried again after the same time. */
export function periodically(
  { log }: { log: Log },
  { name, everyMs, pass }: { name: string; everyMs: number; pass: () => Promise<number> },
): Upkeep {
  let running: Promise<number> | undefined;
  const runOnce = (): Promise<number> => (running ??= pass().finally(() => (running = undefined)));
  const timer = setInterval(() => {
    runOnce().catch((error: unknown) => log.warn({ err: error }, `${name}.failed`));
  }, everyMs);
  return {
    runOnce,
    async stop() {
      clearInterval(timer);
      await running?.catch(() => undefined); // already logged by whoever began it
    },
  };
}
