// What the first signal and the second one do to a command.

import { limits } from "../limits.ts";

/** As shells count it: 128 and the number of SIGINT. */
export const interruptedCode = 130;

/** From the first signal on a second one ends the process at once: the command may be waiting for what does not come. */
export function endOnSecondSignal(first: AbortSignal): void {
  const listen = (): void => {
    const since = Date.now();
    const end = (): void => {
      if (Date.now() - since >= limits.secondSignalMs) process.exit(interruptedCode);
    };
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, end);
  };
  if (first.aborted) listen();
  else first.addEventListener("abort", listen, { once: true });
}

/** True for a failure that is nothing but the signal's own. */
export function isInterruption(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && error.name === "AbortError");
}

/** Rejects with the signal's reason when the signal comes before `work` has ended. What `work` still does is lost like that of a
 *  process that was killed: it must be safe to break off after each of its statements. */
export async function unlessAborted<Result>(signal: AbortSignal | undefined, work: () => Promise<Result>): Promise<Result> {
  if (!signal) return work();
  signal.throwIfAborted();
  const over = new AbortController();
  const aborted = new Promise<never>((_resolve, reject) => {
    // It is a promise's own reason, whatever the signal's holder gave.
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true, signal: over.signal });
  });
  const working = work();
  // It fails with the database that is taken from it; the interruption has been told by then.
  working.catch(() => undefined);
  return Promise.race([working, aborted]).finally(() => over.abort());
}
