// How a command that holds a server ends: with 0 when it is asked to, with 1 when it cannot go on.

import type { Log } from "../log.ts";

export interface Ending {
  /** Aborted, with an EndRequest, when the command shall end. */
  readonly signal: AbortSignal;
  /** Resolves then. */
  readonly requested: Promise<void>;
  /** 0, or 1 after a failure. */
  exitCode(): number;
  /** Makes the handler of a failure that the command does not survive: logs it as `event` and ends the command. */
  failAs(event: string): (error: unknown) => void;
  /** The same for one that people are told of in words at the end: the log needs no stack. */
  fail(event: string, details: object): void;
}

/** The reason of an ending: a start that it interrupts has not failed. */
export class EndRequest extends Error {}

/** Ends on SIGTERM, SIGINT and SIGHUP (however many), on `stop`, which may have been aborted before, and on an error that
 *  nobody caught. From now until this process ends. */
export function openEnding({ log, stop }: { log: Log; stop: AbortSignal | undefined }): Ending {
  const ending = new AbortController();
  let exitCode = 0;
  const end = (reason: string): void => {
    if (ending.signal.aborted) return;
    log.info({ reason }, "app.stopping");
    ending.abort(new EndRequest(reason));
  };
  const fail = (event: string, details: object): void => {
    log.fatal(details, event);
    exitCode = 1;
    end(event);
  };
  const failAs = (event: string) => (error: unknown) => fail(event, { err: error });
  if (stop?.aborted) end("early signal");
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, end);
  stop?.addEventListener("abort", () => end("signal"));
  process.on("uncaughtException", failAs("app.uncaught"));
  // A reader that went away (`| head`) must not end the server.
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
  return { signal: ending.signal, requested: aborted(ending.signal), exitCode: () => exitCode, failAs, fail };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
