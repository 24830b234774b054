// atelier worker: runs tasks of a server on another machine until it is told to stop.

import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";

import type { Command } from "commander";

import { readConfig, readWorkerEnvironment } from "../config.ts";
import type { Config } from "../config.ts";
import { warnOfUnknownSettings } from "../config/unknown-settings.ts";
import { engineCommands } from "../engines/engine-commands.ts";
import type { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import { openLog } from "../log.ts";
import { OperatorError } from "../operator-error.ts";
import { startRemoteWorker } from "../worker/start-remote-worker.ts";
import { isReadableOnItsWay } from "./clear-text.ts";
import { durationOption } from "./duration.ts";
import { EndRequest, openEnding } from "./ending.ts";

interface WorkerOptions {
  readonly server?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly models?: string;
  readonly workers?: string;
  readonly drain: number;
  readonly json?: true;
}

export function addWorker(program: Command, { signal, exitWith }: { signal: AbortSignal; exitWith: (code: number) => void }): void {
  program
    .command("worker")
    .description("run tasks of a server on this machine, which needs nothing but the server's address and a token")
    .option("--server <url>", "the server (ATELIER_SERVER)")
    .option("--token <token>", "of `atelier worker-token create`; others on this machine may see it, so rather:")
    .option("--token-file <file>", "a file with the token (or set ATELIER_WORKER_TOKEN)")
    .option("--models <folder>", "where weights are, before the shipped ones (ATELIER_MODELS replaces those)")
    .option("--workers <count>", "tasks that run at once (ATELIER_WORKERS, default 1)")
    .addOption(durationOption("--drain <time>", "how long running tasks may go on after SIGTERM or Ctrl-C: 30s, 10m", limits.remoteDrainMs))
    .option("--json", "log JSON lines")
    .action(async (options: WorkerOptions) => {
      exitWith(await work(options, signal));
    });
}

/** Resolves with the exit code: 0 when it was told to stop, 1 when the server refused it. Prints `working for URL` once,
 *  when the server has taken its first call. */
async function work(options: WorkerOptions, stop: AbortSignal): Promise<number> {
  // Command lines can be read by everyone on a machine (ps): from here on this one shows neither --token nor its value.
  process.title = "atelier worker";
  const config = readConfig({ workers: options.workers });
  if (options.models !== undefined) await checkFolder(options.models);
  const { url, token } = await readAccess(options);
  const log = openLog({ level: config.logLevel, pretty: options.json ? false : config.logPretty });
  warnOfUnknownSettings(log, config.unknownSettings);
  if (isReadableOnItsWay(url)) {
    const remedy = "Give the server an https address, or connect the machines by a network that nobody else reads (a VPN, an SSH tunnel).";
    log.warn({ url, problem: "the token and all pictures travel unencrypted", remedy }, "worker.unencrypted");
  }
  const ending = openEnding({ log, stop });
  let refusal: AtelierError | undefined;
  try {
    const worker = await startRemoteWorker(settingsOf(config, options, { url, token }), {
      log,
      onAccepted: () => void process.stdout.write(`working for ${url}\n`),
      onRefused: (error) => {
        refusal = error;
        ending.fail("worker.refused", { code: error.code });
      },
    });
    await ending.requested;
    await worker.stop();
  } catch (error) {
    if (!(error instanceof EndRequest)) throw error;
  }
  log.info({}, "worker.stopped");
  if (refusal) throw explain(refusal, url);
  return ending.exitCode();
}

function settingsOf(config: Config, options: WorkerOptions, access: { url: string; token: string }) {
  const own = options.models === undefined ? [] : [resolve(options.models)];
  return {
    ...access,
    engines: engineCommands({ rootFolder: config.installDir, fake: config.fakeEngine }),
    modelFolders: [...own, config.modelFolders.at(-1) ?? join(config.installDir, "models")],
    slots: Math.max(1, config.workers),
    threads: config.threads,
    outboundAllow: config.outboundAllow,
    drainMs: options.drain,
    diskReserveBytes: config.diskReserveBytes,
  };
}

async function readAccess(options: WorkerOptions): Promise<{ url: string; token: string }> {
  const environment = readWorkerEnvironment();
  const url = readUrl(options.server ?? environment.server);
  const inFile = options.tokenFile === undefined ? undefined : await readTokenFile(options.tokenFile);
  const token = (options.token ?? inFile ?? environment.token)?.trim();
  if (token === undefined || token === "") {
    throw invalid(
      "There is no worker token.",
      "Set ATELIER_WORKER_TOKEN, or give --token-file; `atelier worker-token create NAME` on the server makes one.",
    );
  }
  return { url, token };
}

function readUrl(text: string | undefined): string {
  const url = URL.canParse(text ?? "") ? new URL(text ?? "") : undefined;
  if (url && (url.protocol === "http:" || url.protocol === "https:")) return (url.origin + url.pathname).replace(/\/+$/, "");
  throw invalid(
    text === undefined ? "There is no server to work for." : "The server's address is not valid.",
    "Give it with --server, as in --server https://pictures.example.",
  );
}

/** Without it every model would quietly be one that this worker cannot run. */
async function checkFolder(path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isDirectory() !== true) {
    throw invalid(`There is no folder ${resolve(path)} to look for weights in.`, "Give --models a folder that exists, or leave it out to use the shipped weights.");
  }
}

async function readTokenFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw invalid(`The token file ${path} cannot be read.`, "Give a file with nothing but the token in it.", cause);
  }
}

/** The server's own words say what to do. */
function explain(refusal: AtelierError, url: string): OperatorError {
  const words = refusal.cause instanceof Error ? refusal.cause.message : refusal.message;
  return new OperatorError("COMMAND_FAILED", { problem: `${url} refuses this worker.`, remedy: words }, { cause: refusal });
}

function invalid(problem: string, remedy: string, cause?: unknown): OperatorError {
  return new OperatorError("CONFIG_INVALID", { problem, remedy }, { cause });
}
