// atelier serve: runs the server until it is told to stop.

import { startApp } from "../app.ts";
import type { Config } from "../config.ts";
import { openLog } from "../log.ts";

/** Resolves with the exit code: 0 after SIGTERM, SIGINT or SIGHUP (however many), 1 when the server could not go on.
 *  Prints `ready URL` on stdout, once, when the server can answer. `stop`: a request to end that may have come before. */
export async function serve(config: Config, stop?: AbortSignal): Promise<number> {
  const log = openLog({ level: config.logLevel, pretty: config.logPretty });
  const ending = new AbortController();
  let exitCode = 0;
  const end = (reason: string): void => {
    if (ending.signal.aborted) return;
    log.info({ reason }, "app.stopping");
    ending.abort(new StopRequest(reason));
  };
  const fail = (event: string) => (error: unknown) => {
    log.fatal({ err: error }, event);
    exitCode = 1;
    end(event);
  };
  if (stop?.aborted) end("early signal");
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, end);
  process.on("uncaughtException", fail("app.uncaught"));
  // A reader that went away (`| head`) must not end the server.
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);

  try {
    const app = await startApp(config, { log, signal: ending.signal, onLost: fail("app.database_lost") });
    process.stdout.write(`ready ${app.url}\n`);
    await aborted(ending.signal);
    await app.stop();
  } catch (error) {
    if (!(error instanceof StopRequest)) throw error;
  }
  log.info({}, "app.stopped");
  return exitCode;
}

/** A start that was interrupted on request: not a failure. */
class StopRequest extends Error {}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
