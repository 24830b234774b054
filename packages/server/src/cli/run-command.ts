// atelier run: a model from the command line.

import type { Config } from "../config.ts";
import { readClientEnvironment } from "../config.ts";
import type { Log } from "../log.ts";
import { openApiClient } from "./api-client.ts";
import { asCommandFailure } from "./command-failure.ts";
import { findBaseUrl, findCredentials } from "./local-server.ts";
import { openProgressLine } from "./progress-line.ts";
import { parseAssignments, readInputs } from "./run-inputs.ts";
import { runModel } from "./run-model.ts";
import type { RunOutcome } from "./run-model.ts";

export interface RunCommandOptions {
  readonly output: string;
  readonly url?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Resolves with the exit code: 0 with pictures, 1 when the task failed, 130 when it was stopped by the user. */
export async function runCommand(
  deps: { config: Config; log: Log; signal: AbortSignal },
  request: { model: string; assignments: readonly string[] },
  options: RunCommandOptions,
): Promise<number> {
  const environment = readClientEnvironment();
  const givenUrl = options.url ?? environment.url;
  const assignments = parseAssignments(request.assignments);
  const baseUrl = await findBaseUrl(deps.config, givenUrl);
  const client = openApiClient(baseUrl, await findCredentials(deps, environment, givenUrl === undefined));
  const progress = openProgressLine(process.stderr);
  const warn = (text: string): void => void process.stderr.write(`warning: ${text}\n`);
  const parameters = await readInputs({ client, warn }, request.model, assignments).catch(asCommandFailure);
  const run = { model: request.model, parameters, outputDir: options.output };
  const outcome = await runModel({ client, progress, signal: deps.signal }, run).catch(asCommandFailure);
  process.stdout.write(options.json ? `${JSON.stringify(outcome)}\n` : outcome.files.map((file) => `${file}\n`).join(""));
  return exitCodeOf(outcome);
}

function exitCodeOf(outcome: RunOutcome): number {
  if (outcome.pexit === "0") return 0;
  if (outcome.status === "task_cancel") {
    process.stderr.write(`stopped: task ${outcome.taskid}\n`);
    return 130;
  }
  process.stderr.write(`error: the task failed (pexit ${outcome.pexit}): ${outcome.debugerror}\n`);
  return 1;
}
