// atelier serve: runs the server until it is told to stop.

import { startApp } from "../app.ts";
import type { Config } from "../config.ts";
import { openLog } from "../log.ts";
import { EndRequest, openEnding } from "./ending.ts";

/** Resolves with the exit code: 0 after SIGTERM, SIGINT or SIGHUP (however many), 1 when the server could not go on.
 *  Prints `ready URL` on stdout, once, when the server can answer. `stop`: a request to end that may have come before. */
export async function serve(config: Config, stop?: AbortSignal): Promise<number> {
  const log = openLog({ level: config.logLevel, pretty: config.logPretty });
  const ending = openEnding({ log, stop });
  try {
    const app = await startApp(config, { log, signal: ending.signal, onLost: ending.failAs("app.database_lost") });
    process.stdout.write(`ready ${app.url}\n`);
    await ending.requested;
    await app.stop();
  } catch (error) {
    if (!(error instanceof EndRequest)) throw error;
  }
  log.info({}, "app.stopped");
  return ending.exitCode();
}
