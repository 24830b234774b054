// One task from accept to its end, as named steps. Every report is fenced; a lost fence stops the work at once.

import { join } from "node:path";

import { diskFullCode, isDiskFull, mayPass } from "@atelier/schema/engine-failure";
import type { EngineInputFile } from "@atelier/schema/engine-messages";
import { inputFilesOf } from "@atelier/schema/input-file";

import { isTroubleOfDatabase } from "../db/connection-error.ts";
import { AtelierError } from "../errors.ts";
import type { EnginePool } from "../engines/engine-pool.ts";
import type { EngineProcess } from "../engines/engine-process.ts";
import type { RunResult } from "../engines/follow-run.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { AssignedTask, FailedRun, Report, TaskSource } from "../tasks/task-source.ts";
import { wrongWithOutputs } from "./check-outputs.ts";
import { EngineLog } from "./engine-log.ts";
import { fetchInputs, InputFailure } from "./fetch-inputs.ts";
import { chooseVariant, findModelFile, planRun, whyNotRunnable } from "./plan-run.ts";
import type { ModelFolders, RunPlan } from "./plan-run.ts";
import { ReportQueue } from "./report-queue.ts";
import type { RunFolders } from "./run-folders.ts";

export interface RunTaskDeps {
  readonly source: TaskSource;
  readonly engines: EnginePool;
  readonly folders: ModelFolders;
  /** Fetches input files that lie on other hosts. */
  readonly outbound: Pick<Outbound, "download">;
  readonly runFolders: RunFolders;
  readonly log: Log;
}

/** The lease is not ours: the task was killed, rescued or finished by another attempt. Nothing was changed. */
class FenceLost extends Error {}

/** What was drawn could not be kept, or an input not be read: the store, a disk or the network failed, not the engine. */
class StoreFailed extends Error {}

export interface RunOptions {
  /** Stops the run: `reason` "drain" puts the task back in the queue, any other reason means that it is no longer ours. */
  readonly signal: AbortSignal;
  /** Called when the engine is done, and what it drew is yet to be kept. */
  readonly onDrawn: () => void;
}

/** Runs a claimed task to its end. Never throws for what can happen to a task. */
export async function runTask(deps: RunTaskDeps, task: AssignedTask, options: RunOptions): Promise<void> {
  const run = new TaskRun(deps, task, options);
  try {
    await run.toTheEnd();
  } catch (error) {
    if (error instanceof FenceLost) deps.log.info({ taskId: task.taskId, attempt: task.attempt }, "task.fence_lost");
    else await run.giveBack(error);
  } finally {
    await run.leaveFolder().catch((error: unknown) => {
      deps.log.warn({ err: error, taskId: task.taskId }, "task.folder_not_removed");
    });
  }
}

class TaskRun {
  readonly #deps: RunTaskDeps;
  readonly #task: AssignedTask;
  readonly #signal: AbortSignal;
  readonly #onDrawn: () => void;
  readonly #reports: ReportQueue;
  /** The task is not ours any more, or its reports failed. */
  readonly #stop: AbortSignal;
  readonly #log: EngineLog;
  /** The name of its folder. */
  readonly #name: string;
  readonly #beganMs = performance.now();
  #showsPreviews = false;
  #isDrawn = false;

  constructor(deps: RunTaskDeps, task: AssignedTask, { signal, onDrawn }: RunOptions) {
    this.#deps = deps;
    this.#task = task;
    this.#signal = signal;
    this.#onDrawn = onDrawn;
    this.#reports = new ReportQueue((reports) => this.#report(reports));
    this.#stop = AbortSignal.any([signal, this.#reports.failed]);
    this.#log = new EngineLog((stderr) => this.#reports.push({ status: "task_output", data: { stderr } }));
    this.#name = `run-${task.taskId}-${task.attempt}`;
  }

  async toTheEnd(): Promise<void> {
    const started: Report = { status: "task_preprocess_start", atMs: performance.now() };
    // Told at once where files are fetched; otherwise with what follows, in one statement.
    const fetches = inputFilesOf(this.#task.input).length > 0;
    if (fetches) this.#reports.push(started);
    const plan = await this.#prepare();
    const prepared: Report[] = [{ status: "task_preprocess_end" }, { status: "task_assign", variant: plan.variant.name }];
    this.#reports.push(...(fetches ? [] : [started]), ...prepared);
    const result = await this.#draw(plan);
    this.#isDrawn = result.kind === "done";
    if (this.#isDrawn) this.#onDrawn();
    const wrong = result.kind === "done" ? await wrongWithOutputs(result.outputs) : undefined;
    if (result.kind === "done" && wrong === undefined) return this.#finish(plan, result);
    // The end comes after what was reported before it.
    await this.#reports.flush();
    await this.#endWithout(result.kind === "done" ? { kind: "crashed", reason: `OUTPUT_INVALID: ${wrong}` } : result);
  }

  /** After an unexpected error. With the source, the store or room on a disk away nothing is reported: the lease runs
   *  out and the task is rescued, up to `lostLeases` times. Anything else counts as a failure of this attempt. */
  async giveBack(error: unknown): Promise<void> {
    const { taskId, attempt } = this.#task;
    this.#deps.log.error({ err: error, taskId, attempt }, "task.attempt_failed");
    if (isOfSurroundings(error)) return;
    await this.#endWithout(resultOf(error)).catch(
      // The lease then runs out and the task is rescued.
      (second: unknown) => this.#deps.log.error({ err: second, taskId }, "task.give_back_failed"),
    );
  }

  /** An engine that said that it is done writes no more; of others nobody knows. */
  leaveFolder(): Promise<void> {
    const { runFolders } = this.#deps;
    return this.#isDrawn ? runFolders.empty(this.#name) : runFolders.remove(this.#name);
  }

  get #folder(): string {
    return this.#deps.runFolders.pathOf(this.#name);
  }

  async #prepare(): Promise<RunPlan> {
    const { manifest, input } = this.#task;
    const { engines, folders } = this.#deps;
    const variant = chooseVariant(manifest, engines.names, folders);
    // It had one when it claimed the task: a file or a manifest has gone since.
    if (!variant) throw new Error(`this worker cannot run ${this.#task.model} any more: ${whyNotRunnable(manifest, engines.names, folders)}`);
    await this.#deps.runFolders.make(this.#name);
    return planRun(manifest, variant, { input, folders, files: await this.#fetchInputs() });
  }

  #fetchInputs(): Promise<EngineInputFile[]> {
    const { source, folders, outbound } = this.#deps;
    const readStored = async (fileKey: string, path: string): Promise<boolean> => {
      const isOurs = await source.readInput(this.#task, fileKey, path).catch((cause: unknown) => {
        if (isMissing(cause)) return "missing";
        throw new StoreFailed("a file of the input could not be read", { cause });
      });
      if (isOurs === false) throw new FenceLost();
      return isOurs !== "missing";
    };
    const findSample = (file: string): string | undefined => findModelFile(file, folders);
    const deps = { readStored, findSample, outbound, signal: this.#stop };
    return fetchInputs(deps, this.#task.input, join(this.#folder, "inputs")).catch(async (error: unknown) => {
      // The failure comes after what was reported before it.
      await this.#reports.flush();
      throw error;
    });
  }

  async #draw(plan: RunPlan): Promise<RunResult> {
    return this.#deps.engines.withEngine(plan.variant.engine, async (engine) => {
      this.#reports.push({ status: "task_start", variant: plan.variant.name });
      const runId = `${this.#task.taskId}-${this.#task.attempt}`;
      const running = engine.run(
        { ...plan.work, runId, outputFolder: this.#folder },
        {
          onProgress: (data) => {
            this.#reports.push({ status: "task_output", data });
            this.#askForPreviews(engine, runId);
          },
          onLog: (line) => this.#log.addOutput(line),
          onErrorLine: (line) => this.#log.addError(line),
        },
        { signal: this.#stop },
      );
      this.#askForPreviews(engine, runId);
      const result = await running;
      this.#log.close();
      return result;
    });
  }

  /** Once, and only when somebody looks: they cost time. */
  #askForPreviews(engine: EngineProcess, runId: string): void {
    if (this.#showsPreviews || !this.#deps.source.wantsPreviews(this.#task)) return;
    this.#showsPreviews = true;
    engine.showPreviews(runId);
  }

  async #finish(plan: RunPlan, { outputs }: Extract<RunResult, { kind: "done" }>): Promise<void> {
    const { output: debugOutput, errors: debugError } = this.#log;
    const collected: Report = { status: "task_output_full", ...(debugError !== "" && { data: { stderr: true } }) };
    const reports = await this.#reports.rest(collected, { status: "task_end" }, { status: "task_postprocess_start" });
    const provenance = { variant: plan.variant.name, engine: plan.variant.engine, ...plan.provenance };
    const run = { reports, outputs, debugOutput, debugError, provenance };
    const isEnded = await this.#deps.source.finish(this.#task, run).catch((cause: unknown) => {
      throw isRefused(cause) ? new Error(`OUTPUT_REFUSED: ${reasonOf(cause)}`, { cause }) : new StoreFailed("what was drawn could not be kept", { cause });
    });
    if (!isEnded) throw new FenceLost();
    this.#tell("task.ended", { outputs: outputs.length });
  }

  /** What an operator follows a task by; what was wrong with one is in its own log, which the caller sees too. */
  #tell(event: string, more: Readonly<Record<string, unknown>>): void {
    const { taskId, attempt, model } = this.#task;
    const seconds = Math.round(performance.now() - this.#beganMs) / 1_000;
    this.#deps.log.info({ taskId, attempt, model, seconds, ...more }, event);
  }

  /** Refused, as it should be, for a task that was killed or rescued meanwhile. */
  async #endWithout(result: Exclude<RunResult, { kind: "done" }>): Promise<void> {
    const { source } = this.#deps;
    const debugOutput = this.#log.output;
    if (result.kind === "failed") {
      if (result.code === diskFullCode) throw new StoreFailed(`the engine found no room: ${result.message}`);
      const debugError = this.#withErrors(`${result.code}: ${result.message}`);
      await this.#fail({ mayRetry: mayPass(result.code), debugError, debugOutput }, result.code);
    } else if (this.#signal.aborted || (result.kind === "cancelled" && this.#stop.aborted)) {
      const { taskId, attempt } = this.#task;
      this.#deps.log.info({ taskId, attempt, reason: this.#signal.reason as unknown }, "task.engine_stopped");
      await source.putBack(this.#task);
    } else {
      // What nobody asked for would happen again: without a count of it the task would go round for ever.
      const reason = result.kind === "cancelled" ? "The engine stopped the run, though nobody had asked it to." : result.reason;
      await this.#fail({ mayRetry: true, debugError: this.#withErrors(reason), debugOutput }, "crashed");
    }
  }

  async #fail(run: FailedRun, code: string): Promise<void> {
    if (await this.#deps.source.fail(this.#task, run)) this.#tell("task.failed", { code, mayRetry: run.mayRetry });
  }

  async #report(reports: Iterable<Report>): Promise<void> {
    const written: Report[] = [];
    if (!(await this.#deps.source.report(this.#task, keeping(reports, written)))) throw new FenceLost();
    const { taskId, attempt } = this.#task;
    for (const { status } of written) this.#deps.log.debug({ taskId, attempt, status }, "task.moved");
  }

  /** The reason first: clients show the beginning. */
  #withErrors(reason: string): string {
    return `${withoutNul(reason)}\n${this.#log.errors}`.trim().slice(0, limits.debugCharacters);
  }
}

/** Nothing that another try of the same task would not survive once the database, the store or the disk is well again. */
function isOfSurroundings(error: unknown): boolean {
  if (error instanceof StoreFailed) return true;
  if (error instanceof AtelierError) return error.code === "SERVER_UNAVAILABLE" || error.code === "DISK_FULL";
  return isTroubleOfDatabase(error) || isDiskFull(error);
}

/** By the server or its database, for what it says: no store that is well again would take it. */
function isRefused(error: unknown): boolean {
  return error instanceof AtelierError && (error.code === "WORKER_MESSAGE_INVALID" || error.code === "WORKER_UPLOAD_TOO_LARGE");
}

/** Over HTTP the server's own words are the cause. */
function reasonOf(error: unknown): string {
  const said = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return said instanceof Error ? said.message : String(said);
}

function isMissing(error: unknown): boolean {
  return error instanceof AtelierError && error.code === "WORKER_INPUT_MISSING";
}

/** An input that cannot be had will not be there for the next attempt either. */
function resultOf(error: unknown): Exclude<RunResult, { kind: "done" }> {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof InputFailure) return { kind: "failed", code: "INPUT_NOT_FETCHED", message };
  return { kind: "crashed", reason: message };
}

/** PostgreSQL's text holds no NUL character; an engine's message may. */
function withoutNul(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}

/** Passes on what it reads, and keeps it in `read`. */
function* keeping<Item>(items: Iterable<Item>, read: Item[]): Generator<Item> {
  for (const item of items) {
    read.push(item);
    yield item;
  }
}
