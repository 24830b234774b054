// Runs an atelier command of this clone in this very process (so that signals arrive), after making the clone ready.

import { endOnSignals, prepare } from "./prepare.mjs";

/** Ends the process with the command's exit code; `exitCodeWhenEnded` when a signal came before the command began. */
export async function runCommand(args, { exitCodeWhenEnded }) {
  const ending = endOnSignals();
  try {
    await prepare(ending.signal);
    const { main } = await import("../packages/server/dist/cli/atelier.js");
    process.exit(await main(args, { signal: ending.signal }));
  } catch (error) {
    if (ending.signal.aborted) process.exit(exitCodeWhenEnded);
    process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
    process.exit(1);
  }
}
