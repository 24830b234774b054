// The composition root: the only file that names concrete adapters. What is started here is stopped in reverse order.

import { randomUUID } from "node:crypto";
import { join } from "node:path";

import { cleanModelName } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";

import type { Config } from "./config.ts";
import { outputDaysOf } from "./config/retention-settings.ts";
import { warnOfUnknownSettings } from "./config/unknown-settings.ts";
import { hasRoom, recentRoom } from "./data-folder/free-space.ts";
import { openDataFolder } from "./data-folder/data-folder.ts";
import { findLockHolder } from "./data-folder/lock.ts";
import { removeServerRecord, writeServerRecord } from "./data-folder/server-record.ts";
import { startDatabase } from "./db/start-database.ts";
import { engineCommands } from "./engines/engine-commands.ts";
import type { EngineCommand } from "./engines/engine-process.ts";
import { openEnginePool } from "./engines/engine-pool.ts";
import { openEventFeed } from "./events/event-feed.ts";
import { openFiles } from "./files/open-files.ts";
import { asPortBusy, expectPort } from "./http/port-problem.ts";
import { isEveryAddress, startHttp } from "./http/start-http.ts";
import type { RunningHttp } from "./http/start-http.ts";
import type { HttpDeps } from "./http/http-deps.ts";
import type { Log } from "./log.ts";
import { startDeadlines } from "./maintenance/deadlines.ts";
import { startKeyPruning } from "./maintenance/prune-keys.ts";
import { startNoncePruning } from "./maintenance/prune-nonces.ts";
import { startRescue } from "./maintenance/rescue.ts";
import { startUploadSweep } from "./maintenance/sweep-uploads.ts";
import { startUpkeep } from "./maintenance/upkeep.ts";
import { missingModelFolder } from "./models/missing-model-folder.ts";
import { openModels } from "./models/live-models.ts";
import { openOutbound } from "./outbound/outbound.ts";
import type { Outbound } from "./outbound/outbound.ts";
import { checkMasterKey } from "./projects/check-master-key.ts";
import { openProjectDoor } from "./projects/project-door.ts";
import { claimsWithRoom } from "./tasks/claims-with-room.ts";
import { openClaimLine } from "./tasks/claim-line.ts";
import { openKillFeed } from "./tasks/kill-feed.ts";
import { openLocalTaskSource } from "./tasks/local-task-source.ts";
import type { LocalTaskSourceDeps } from "./tasks/local-task-source.ts";
import { openNewTaskLine } from "./tasks/new-task-line.ts";
import { openReportLine } from "./tasks/report-line.ts";
import { openWorkerPresence } from "./tasks/worker-presence.ts";
import { startWebhooks } from "./webhooks/start-webhooks.ts";
import { whyNotRunnable } from "./worker/plan-run.ts";
import { startWorker } from "./worker/worker.ts";
import type { Worker } from "./worker/worker.ts";

export interface RunningApp {
  /** Where clients on this machine reach it, without a slash at the end. */
  readonly url: string;
  /** Lets running tasks end, stops engines and PostgreSQL, gives the data folder back. Safe to call again. */
  stop(): Promise<void>;
}

export interface AppDeps {
  readonly log: Log;
  /** Aborting it undoes a start in progress; `startApp` then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Called when the server cannot go on: PostgreSQL died and does not start again. */
  readonly onLost: (error: unknown) => void;
}

/** Starts everything. Each failure undoes what was started before it. Throws OperatorError for what a person can mend. */
export async function startApp(config: Config, deps: AppDeps): Promise<RunningApp> {
  const stops = new StopList(deps.log);
  const step = async <Started>(name: string, start: Promise<Started>, stop?: (started: Started) => Promise<unknown>) => {
    const started = await start;
    if (stop) stops.add(name, () => stop(started));
    deps.signal.throwIfAborted();
    return started;
  };
  try {
    return await startSteps(config, deps, { step, stop: () => stops.run() });
  } catch (error) {
    await stops.run().catch((stopError: unknown) => deps.log.error({ err: stopError }, "app.undo_failed"));
    throw error;
  }
}

interface Steps {
  /** Waits for a start and remembers how to undo it. */
  step<Started>(name: string, start: Promise<Started>, stop?: (started: Started) => Promise<unknown>): Promise<Started>;
  stop(): Promise<void>;
}

async function startSteps(config: Config, { log, onLost, signal }: AppDeps, { step, stop }: Steps): Promise<RunningApp> {
  // Before a folder and a database are made for it. A server on this folder has the port as well: the folder's own words say more.
  if (!(await findLockHolder(config.dataDir))) await expectPort(config);
  const outbound = openOutbound({ allow: config.outboundAllow });
  const folder = await step("data-folder", openDataFolder(config.dataDir, config.masterKey), (it) => it.close());
  const models = await step("models", openModels(config.modelFolders, { log }), async (it) => it.stop());
  const files = await step("files", openFiles({ folder: folder.filesDir, s3: config.s3 }));
  const { databaseUrl, postgresRunAs: runAs } = config;
  const database = await step(
    "database",
    startDatabase({ log }, { databaseUrl, folder: folder.path, runAs, onLost, signal }),
    (it) => it.stop(),
  );
  const { db } = database;
  await step("master-key", checkMasterKey({ db, masterKey: folder.masterKey }));

  const roomLeft = recentRoom(() => hasRoom(folder.path, config.diskReserveBytes));
  const line = await step("claim-line", openClaimLine({ db }), async (it) => it.close());
  const claims = claimsWithRoom(line, roomLeft);
  const kills = await step("kill-feed", openKillFeed({ db }), async (it) => it.close());
  const events = await step("events", Promise.resolve(openEventFeed({ db, log })), async (it) => it.stop());
  const [{ previews }, presence] = [events, openWorkerPresence({ db })];
  const shared = { db, files, claims, kills, previews, presence };
  const tasks = { ...shared, reports: openReportLine({ db }), listModels: () => models.list() };
  const running = config.workers > 0 ? startEmbeddedWorker(config, { tasks, outbound, tempFolder: folder.tmpDir, log }) : undefined;
  await step("worker", Promise.resolve(running), async (it) => it?.drain());
  await step("rescue", Promise.resolve(startRescue({ db, log })), (it) => it.stop());
  await step("nonces", Promise.resolve(startNoncePruning({ db, log })), (it) => it.stop());
  await step("deadlines", Promise.resolve(startDeadlines({ db, log })), (it) => it.stop());
  await step("key-pruning", Promise.resolve(startKeyPruning({ db, log })), (it) => it.stop());
  const { retention } = config;
  await step("upkeep", Promise.resolve(startUpkeep({ db, files, log, retention })), (it) => it.stop());
  await step("upload-sweep", Promise.resolve(startUploadSweep({ db, files, log })), (it) => it.stop());

  const projects = openProjectDoor({ db, masterKey: folder.masterKey });
  const leaving = new AbortController();
  const isReady = async (): Promise<boolean> => !leaving.signal.aborted && (await db.query("select 1")).rows.length === 1;
  const workerApi = { ...tasks, scratchFolder: join(folder.tmpDir, "worker-outputs"), version: config.version };
  const { access } = config;
  const installation = { dir: config.installDir, version: config.version };
  const outputDays = outputDaysOf(retention);
  const base = { outputDays, db, models, files, tempFolder: folder.tmpDir, events, projects, access, workerApi, outbound, installation, log };
  const deps = { ...base, isReady, hasRoom: roomLeft, newTasks: openNewTaskLine({ db, workers: line, log }) };
  const http = await step("http", listen(config, deps), (it) => it.stop());
  const { masterKey } = folder;
  const webhooks = startWebhooks({ outputDays, db, outbound, models, masterKey, publicUrl: http.publicUrl, log });
  await step("webhooks", webhooks, (it) => it.stop());
  const url = http.localUrl;
  const record = { pid: process.pid, url, publicUrl: http.publicUrl, socketDir: database.socketDir ?? null };
  await step("server-record", writeServerRecord(folder.path, record), () => removeServerRecord(folder.path));
  // Added last, so done first: nothing new is claimed, and who follows a task that still ends sees its end.
  await step("running-tasks", Promise.resolve(running), async (it) => {
    leaving.abort();
    await it?.drain();
  });
  await warnOf(config, { log, publicUrl: http.publicUrl, models: models.list() });
  log.info({ url, publicUrl: http.publicUrl, dataDir: folder.path, models: models.list().length }, "app.ready");
  return { url, stop };
}

interface EmbeddedWorkerDeps {
  readonly tasks: LocalTaskSourceDeps;
  readonly outbound: Outbound;
  readonly tempFolder: string;
  readonly log: Log;
}

function startEmbeddedWorker(config: Config, deps: EmbeddedWorkerDeps): Worker {
  return startWorker({
    source: openLocalTaskSource(deps.tasks, randomUUID()),
    log: deps.log,
    engines: openEnginePool(enginesOf(config), { threads: config.threads }),
    folders: { modelFolders: config.modelFolders },
    outbound: deps.outbound,
    tempFolder: deps.tempFolder,
    slots: config.workers,
  });
}

/** Listens, and says what to do when the port cannot be had. */
async function listen(config: Config, deps: HttpDeps): Promise<RunningHttp> {
  try {
    return await startHttp({ ...deps, config });
  } catch (cause) {
    throw asPortBusy(config, cause) ?? cause;
  }
}

/** Models that this installation cannot run, by name, and why: their tasks wait for another worker. */
export function strandedModels(config: Config, models: readonly Manifest[]): Map<string, string> {
  const engines = enginesOf(config).map((engine) => engine.name);
  const reasons = models.map((manifest) => [cleanModelName(manifest), whyNotRunnable(manifest, engines, config)] as const);
  return new Map(reasons.flatMap(([name, reason]) => (reason === undefined ? [] : [[name, reason]])));
}

function enginesOf(config: Config): EngineCommand[] {
  return engineCommands({ rootFolder: config.installDir, fake: config.fakeEngine });
}

/** What works, but not as most people mean it. */
async function warnOf(config: Config, { log, publicUrl, models }: { log: Log; publicUrl: string; models: readonly Manifest[] }): Promise<void> {
  warnOfUnknownSettings(log, config.unknownSettings);
  if (isEveryAddress(config.host) && config.publicUrl === undefined) {
    const remedy = "Set PUBLIC_URL to the address that clients use: until then the addresses of pictures work on this machine only.";
    log.warn({ host: config.host, publicUrl, remedy }, "app.public_url_is_local");
  }
  await warnOfModels(config, { log, models });
  if (config.workers === 0) return;
  for (const [model, reason] of strandedModels(config, models)) {
    log.warn({ model, reason, remedy: "Its tasks wait for another worker; `npx atelier doctor` says more." }, "app.model_not_runnable");
  }
}

async function warnOfModels(config: Config, { log, models }: { log: Log; models: readonly Manifest[] }): Promise<void> {
  const remedy = "Set ATELIER_MODELS to a folder with manifests, or unset it for those that came with Atelier.";
  const missing = await missingModelFolder(config);
  if (missing !== undefined) log.warn({ folder: missing, remedy }, "app.models_folder_missing");
  else if (models.length === 0) log.warn({ folders: config.modelFolders, remedy }, "app.no_models");
}

/** What was started, to be stopped last in, first out. A failing stop does not keep the others from running. */
class StopList {
  readonly #log: Log;
  readonly #stops: { name: string; stop: () => Promise<unknown> }[] = [];
  #running: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  add(name: string, stop: () => Promise<unknown>): void {
    this.#stops.push({ name, stop });
  }

  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    const errors: unknown[] = [];
    for (const { name, stop } of this.#stops.toReversed()) {
      const startedAt = performance.now();
      await stop().catch((error: unknown) => {
        this.#log.error({ err: error, step: name }, "app.stop_failed");
        errors.push(error);
      });
      this.#log.debug({ step: name, elapsedMs: Math.round(performance.now() - startedAt) }, "app.stopped_step");
    }
    if (errors.length > 0) throw new AggregateError(errors, "the server did not stop cleanly");
  }
}
