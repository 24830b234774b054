// atelier run: a model from the command line.

import type { Config } from "../config.ts";
import { readClientEnvironment } from "../config.ts";
import type { Log } from "../log.ts";
import { OperatorError } from "../operator-error.ts";
import { ApiRefusal, openApiClient } from "./api-client.ts";
import { findBaseUrl, findCredentials } from "./local-server.ts";
import { openProgressLine } from "./progress-line.ts";
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
  const parameters = parseAssignments(request.assignments);
  const baseUrl = await findBaseUrl(deps.config, givenUrl);
  const client = openApiClient(baseUrl, await findCredentials(deps, environment, givenUrl === undefined));
  const progress = openProgressLine(process.stderr);
  const run = { model: request.model, parameters, outputDir: options.output };
  const outcome = await runModel({ client, progress, signal: deps.signal }, run).catch(asCommandFailure);
  process.stdout.write(options.json ? `${JSON.stringify(outcome)}\n` : outcome.files.map((file) => `${file}\n`).join(""));
  return exitCodeOf(outcome);
}

/** `key=value` pairs; the value may hold further equals signs. Throws COMMAND_FAILED on anything else. */
export function parseAssignments(assignments: readonly string[]): Record<string, string> {
  const pairs = assignments.map((assignment) => {
    const at = assignment.indexOf("=");
    if (at <= 0) {
      throw new OperatorError("COMMAND_FAILED", {
        problem: `"${assignment}" is not key=value.`,
        remedy: 'Quote values that hold spaces: "prompt=a moon over an arch".',
      });
    }
    return [assignment.slice(0, at), assignment.slice(at + 1)] as const;
  });
  for (const [key, value] of pairs) {
    if (!value.startsWith("@")) continue;
    throw new OperatorError("COMMAND_FAILED", {
      problem: `${key}=${value} names a file, and no model of this version takes files.`,
      remedy: "Give the value itself.",
    });
  }
  return Object.fromEntries(pairs);
}

/** The server's own words are the best explanation of a refusal. */
export function asCommandFailure(error: unknown): never {
  if (!(error instanceof ApiRefusal)) throw error;
  const problem = error.httpStatus < 500 ? `The server refused: ${error.message}.` : `The server is in trouble: ${error.message}.`;
  throw new OperatorError("COMMAND_FAILED", { problem, remedy: remedyOf(error.httpStatus) }, { cause: error });
}

function remedyOf(httpStatus: number): string {
  if (httpStatus === 401) return "Check ATELIER_API_KEY and ATELIER_API_SECRET.";
  if (httpStatus < 500) return "Correct the request; the model's page lists its inputs.";
  return "Your request is not the reason. Try again in a minute; the server's log says what happened to it.";
}

function exitCodeOf(outcome: RunOutcome): number {
  if (outcome.pexit === "0") return 0;
  if (outcome.status === "task_cancel") {
    process.stderr.write("stopped\n");
    return 130;
  }
  process.stderr.write(`error: the task failed (pexit ${outcome.pexit}): ${outcome.debugerror}\n`);
  return 1;
}
