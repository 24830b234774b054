// atelier demo: from nothing to a picture, then tells how to go on.

import { join } from "node:path";

import { cleanSlug } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";

import { startApp } from "../app.ts";
import { readClientEnvironment, readConfig } from "../config.ts";
import type { Config } from "../config.ts";
import { findServer } from "../data-folder/server-record.ts";
import { sign } from "../http/authenticate.ts";
import { openLog } from "../log.ts";
import type { Log } from "../log.ts";
import { loadModels } from "../models/registry.ts";
import { OperatorError } from "../operator-error.ts";
import { openApiClient } from "./api-client.ts";
import type { Credentials } from "./api-client.ts";
import { firstFreePort } from "./free-port.ts";
import { findCredentials } from "./local-server.ts";
import { openProgressLine } from "./progress-line.ts";
import { asCommandFailure } from "./run-command.ts";
import { runModel } from "./run-model.ts";

export const demoModel = "arsmachina/baroque-space-opera-v1";

export interface DemoOptions {
  readonly once?: boolean | undefined;
  readonly port?: string | undefined;
  readonly data?: string | undefined;
}

/** Resolves with the exit code, after Ctrl-C (0) or, with `once`, when the picture is there. */
export async function demo(deps: { signal: AbortSignal }, options: DemoOptions): Promise<number> {
  const asked = readConfig({ port: options.port, data: options.data });
  const log = openLog({ level: "warn", pretty: asked.logPretty });
  const ending = new AbortController();
  const end = (): void => ending.abort(new DemoEnded());
  deps.signal.addEventListener("abort", end, { once: true });
  if (deps.signal.aborted) end();
  try {
    const server = await findOrStart(asked, { log, signal: ending.signal, anyPort: options.port === undefined });
    try {
      const exitCode = await drawFirstExample({ config: asked, log, signal: ending.signal }, server.url);
      if (exitCode !== 0 || options.once || !server.isOurs) return ending.signal.aborted ? 0 : exitCode;
      say(`\nThe server runs at ${server.url} until you press Ctrl-C.`);
      await new Promise<void>((resolve) => ending.signal.addEventListener("abort", () => resolve(), { once: true }));
      return 0;
    } finally {
      await server.stop();
    }
  } catch (error) {
    if (error instanceof DemoEnded) return 0;
    throw error;
  }
}

/** The user ended it before it was done: not a failure. */
class DemoEnded extends Error {}

interface DemoServer {
  readonly url: string;
  readonly isOurs: boolean;
  stop(): Promise<void>;
}

async function findOrStart(
  config: Config,
  { log, signal, anyPort }: { log: Log; signal: AbortSignal; anyPort: boolean },
): Promise<DemoServer> {
  const running = await findServer(config.dataDir);
  if (running) {
    say(`Using the server that runs at ${running.url}.`);
    return { url: running.url, isOurs: false, stop: async () => undefined };
  }
  const port = anyPort ? await firstFreePort(config) : config.port;
  say(`Starting the server (data folder ${config.dataDir}) ...`);
  const onLost = (error: unknown): void => log.fatal({ err: error }, "app.database_lost");
  const app = await startApp({ ...config, port }, { log, signal, onLost });
  return { url: app.url, isOurs: true, stop: () => app.stop() };
}

async function drawFirstExample(
  deps: { config: Config; log: Log; signal: AbortSignal },
  url: string,
): Promise<number> {
  const manifest = (await loadModels(deps.config.modelFolders)).findByName(demoModel);
  const example = manifest?.examples[0];
  if (!manifest || !example) throw missingModel(deps.config);
  const credentials = await findCredentials(deps, { ...readClientEnvironment(), apiKey: undefined }, true);
  say(`Drawing with ${demoModel}: "${example["prompt"]}"`);
  const progress = openProgressLine(process.stderr);
  const run = { model: demoModel, parameters: example, outputDir: join(deps.config.dataDir, "demo") };
  const client = openApiClient(url, credentials);
  const outcome = await runModel({ client, progress, signal: deps.signal }, run).catch(asCommandFailure);
  if (outcome.pexit !== "0") {
    if (!deps.signal.aborted) say(`The task failed: ${outcome.debugerror}\n\`npx atelier doctor\` says what to do.`);
    return 1;
  }
  say(describeResult({ url, manifest, example, credentials, files: outcome.files, seconds: outcome.elapsedseconds }));
  return 0;
}

function describeResult(result: {
  url: string;
  manifest: Manifest;
  example: Record<string, string>;
  credentials: Credentials;
  files: readonly string[];
  seconds: string;
}): string {
  const { url, manifest, example, credentials, files, seconds } = result;
  const name = `${cleanSlug(manifest.owner)}/${cleanSlug(manifest.slug)}`;
  return [
    `\nPicture (${Number(seconds).toFixed(1)} s):`,
    ...files,
    "\nIts page:",
    `${url}/models/${name}`,
    "\nThe same again:",
    curlLine(`${url}/v1/Run/${name}`, example, credentials),
  ].join("\n");
}

/** One line that works as it stands: a nonce may be used again, so the signature can be part of it. */
function curlLine(url: string, body: Record<string, string>, { apiKey, apiSecret }: Credentials): string {
  const nonce = String(Math.floor(Date.now() / 1000));
  const signed =
    apiSecret === null ? [] : [`x-nonce: ${nonce}`, `x-signature: ${sign({ apiKey, apiSecret, nonce })}`];
  const headers = ["content-type: application/json", `x-api-key: ${apiKey}`, ...signed];
  const json = JSON.stringify(body).replaceAll("'", String.raw`'\''`);
  return `curl -X POST "${url}" ${headers.map((header) => `-H "${header}"`).join(" ")} -d '${json}'`;
}

function missingModel(config: Config): OperatorError {
  return new OperatorError("COMMAND_FAILED", {
    problem: `No manifest of ${demoModel} with an example was found in ${config.modelFolders.join(" or ")}.`,
    remedy: "Restore the models folder of the repository: `git checkout -- models`.",
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
