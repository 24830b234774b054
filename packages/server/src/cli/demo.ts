// atelier demo: from nothing to a picture, then tells how to go on.

import { join } from "node:path";

import { cleanSlug } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";

import { startApp } from "../app.ts";
import { readClientEnvironment, readConfig } from "../config.ts";
import type { Config } from "../config.ts";
import { findLockHolder } from "../data-folder/lock.ts";
import { sign } from "../http/authenticate.ts";
import { openLog } from "../log.ts";
import type { Log } from "../log.ts";
import { loadModels } from "../models/registry.ts";
import { OperatorError } from "../operator-error.ts";
import { openApiClient } from "./api-client.ts";
import type { Credentials } from "./api-client.ts";
import { asCommandFailure } from "./command-failure.ts";
import { EndRequest, openEnding } from "./ending.ts";
import type { Ending } from "./ending.ts";
import { firstFreePort } from "./free-port.ts";
import { findCredentials } from "./local-server.ts";
import { openProgressLine } from "./progress-line.ts";
import { runModel } from "./run-model.ts";
import { serverOrOwn } from "./server-or-own.ts";

export const demoModel = "arsmachina/baroque-space-opera-v1";

export interface DemoOptions {
  readonly once?: boolean | undefined;
  readonly port?: string | undefined;
  readonly data?: string | undefined;
}

/** Resolves with the exit code, after Ctrl-C (0), with `once` when the picture is there, or when the server could not go on (1). */
export async function demo(deps: { signal: AbortSignal }, options: DemoOptions): Promise<number> {
  const asked = readConfig({ port: options.port, data: options.data });
  const log = openLog({ level: "warn", pretty: asked.logPretty });
  const ending = openEnding({ log, stop: deps.signal });
  void ending.requested.then(() => say("\nStopping ..."));
  try {
    const server = await findOrStart(asked, { log, ending, anyPort: options.port === undefined });
    try {
      const exitCode = await drawFirstExample({ config: asked, log, signal: ending.signal }, server.url);
      if (ending.signal.aborted) return ending.exitCode();
      if (exitCode !== 0 || !server.isOurs) return exitCode;
      if (options.once) {
        say(`\nThe server stops now; \`${startCommand(options)}\` runs one for the page and the line above.`);
        return exitCode;
      }
      say(`\nThe server runs at ${server.url} until you press Ctrl-C.`);
      await ending.requested;
      return ending.exitCode();
    } finally {
      await server.stop();
    }
  } catch (error) {
    if (error instanceof EndRequest) return ending.exitCode();
    throw error;
  }
}

/** With what the demo was given: elsewhere there is no such project, and no such address. */
function startCommand({ port, data }: DemoOptions): string {
  const flags = [...(port ? ["--port", port] : []), ...(data ? ["--data", data] : [])];
  return ["npm start", ...(flags.length > 0 ? ["--", ...flags] : [])].join(" ");
}

interface DemoServer {
  readonly url: string;
  readonly isOurs: boolean;
  stop(): Promise<void>;
}

/** The server that runs on the folder, also one that is still starting; else one of our own. */
async function findOrStart(
  config: Config,
  { log, ending, anyPort }: { log: Log; ending: Ending; anyPort: boolean },
): Promise<DemoServer> {
  return serverOrOwn<DemoServer>(config.dataDir, {
    signal: ending.signal,
    async running({ url }) {
      say(`Using the server that runs at ${url}.`);
      return { url, isOurs: false, stop: async () => undefined };
    },
    async own() {
      if (await findLockHolder(config.dataDir)) say(`Waiting for the server on the data folder ${config.dataDir} ...`);
      else say(`Starting the server (data folder ${config.dataDir}) ...`);
      const port = anyPort ? await firstFreePort(config) : config.port;
      const onLost = ending.failAs("app.database_lost");
      const app = await startApp({ ...config, port }, { log, signal: ending.signal, onLost });
      return { url: app.url, isOurs: true, stop: () => app.stop() };
    },
  });
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
