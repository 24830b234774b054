// One task from accept to its end, as named steps. Every report is fenced; a lost fence stops the work at once.

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Manifest } from "@atelier/schema/manifest";
import type { Status } from "@atelier/schema/status";

import type { ClaimedTask } from "../db/queries/leases.ts";
import { failTask, finishTask, moveTask, returnTask, selectAttempt } from "../db/queries/moves.ts";
import type { Fence, FinishedOutput } from "../db/queries/moves.ts";
import type { Queryable } from "../db/queryable.ts";
import { AtelierError } from "../errors.ts";
import type { EnginePool } from "../engines/engine-pool.ts";
import type { RunResult } from "../engines/follow-run.ts";
import type { FileStore } from "../files/file-store.ts";
import { certainly } from "./certainly.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { chooseVariant, planRun } from "./plan-run.ts";
import type { ModelFolders, RunPlan } from "./plan-run.ts";
import { ProgressQueue } from "./progress-queue.ts";
import { discardOutputs, storeOutputs } from "./store-outputs.ts";

export interface RunTaskDeps {
  readonly db: Queryable;
  readonly engines: EnginePool;
  readonly files: FileStore;
  readonly folders: ModelFolders;
  readonly tempFolder: string;
  readonly workerId: string;
  readonly findModel: (name: string) => Manifest | undefined;
  readonly log: Log;
}

/** The fence did not match: the task was killed, rescued or finished by another attempt. Nothing was changed. */
class FenceLost extends Error {}

/** Runs a claimed task to its end. Never throws for what can happen to a task; `signal` stops it (`reason` "drain" puts
 *  it back in the queue, any other reason means that the task is no longer ours). */
export async function runTask(deps: RunTaskDeps, task: ClaimedTask, signal: AbortSignal): Promise<void> {
  const run = new TaskRun(deps, task, signal);
  try {
    await run.toTheEnd();
  } catch (error) {
    if (error instanceof FenceLost) deps.log.info({ taskId: task.id, attempt: task.attempt }, "task.fence_lost");
    else await run.giveBack(error);
  } finally {
    await rm(run.folder, { recursive: true, force: true }).catch((error: unknown) => {
      deps.log.warn({ err: error, taskId: task.id }, "task.folder_not_removed");
    });
  }
}

class TaskRun {
  readonly folder: string;
  readonly #deps: RunTaskDeps;
  readonly #task: ClaimedTask;
  readonly #signal: AbortSignal;
  readonly #fence: Fence;
  #log = "";

  constructor(deps: RunTaskDeps, task: ClaimedTask, signal: AbortSignal) {
    this.#deps = deps;
    this.#task = task;
    this.#signal = signal;
    this.#fence = { taskId: task.id, attempt: task.attempt, workerId: deps.workerId };
    this.folder = join(deps.tempFolder, `run-${task.id}-${task.attempt}`);
  }

  async toTheEnd(): Promise<void> {
    await this.#move("task_preprocess_start");
    const plan = await this.#prepare();
    await this.#move("task_preprocess_end");
    await this.#move("task_assign", { variant: plan.variant.name });
    const result = await this.#draw(plan);
    if (result.kind === "done") await this.#finish(plan, result);
    else await this.#endWithout(result);
  }

  /** After an unexpected error. With the database away nothing is written: the lease runs out and the task is rescued.
   *  Anything else counts as a failure of this attempt. */
  async giveBack(error: unknown): Promise<void> {
    this.#deps.log.error({ err: error, taskId: this.#task.id, attempt: this.#task.attempt }, "task.attempt_failed");
    if (error instanceof AtelierError && error.code === "SERVER_UNAVAILABLE") return;
    await this.#endWithout({ kind: "crashed", reason: error instanceof Error ? error.message : String(error) }).catch(
      // The lease then runs out and the task is rescued.
      (second: unknown) => this.#deps.log.error({ err: second, taskId: this.#task.id }, "task.give_back_failed"),
    );
  }

  async #prepare(): Promise<RunPlan> {
    const manifest = this.#deps.findModel(this.#task.model);
    const variant = manifest && chooseVariant(manifest, this.#deps.engines.names, this.#deps.folders);
    if (!manifest || !variant) throw new Error(`this worker has no way to run ${this.#task.model}`);
    await rm(this.folder, { recursive: true, force: true });
    await mkdir(this.folder, { recursive: true });
    return planRun(manifest, variant, { input: this.#task.input, folders: this.#deps.folders });
  }

  async #draw(plan: RunPlan): Promise<RunResult> {
    return this.#deps.engines.withEngine(plan.variant.engine, async (engine) => {
      await this.#move("task_start", { variant: plan.variant.name });
      const progress = new ProgressQueue((data) => this.#move("task_output", { data }));
      const result = await engine.run(
        {
          type: "run",
          runId: `${this.#task.id}-${this.#task.attempt}`,
          basePath: plan.basePath,
          adapters: plan.adapters,
          input: plan.input,
          outputFolder: this.folder,
          metadata: plan.metadata,
        },
        { onProgress: (message) => progress.push(message), onLog: (text) => this.#keepLog(text) },
        { signal: this.#signal },
      );
      await progress.flush();
      return result;
    });
  }

  async #finish(plan: RunPlan, result: Extract<RunResult, { kind: "done" }>): Promise<void> {
    await this.#move("task_output_full");
    await this.#move("task_end");
    await this.#move("task_postprocess_start");
    const outputs: FinishedOutput[] = await storeOutputs(this.#deps.files, result.outputs);
    const provenance = { variant: plan.variant.name, engine: plan.variant.engine, ...plan.input };
    const finish = { outputs, debugOutput: this.#log, provenance };
    const finished = await certainly(
      () => finishTask(this.#deps.db, this.#fence, finish),
      async () => (await selectAttempt(this.#deps.db, this.#fence))?.pexit === "0",
    );
    if (finished) return;
    await discardOutputs(this.#deps.files, outputs);
    throw new FenceLost();
  }

  async #endWithout(result: Exclude<RunResult, { kind: "done" }>): Promise<void> {
    const { db } = this.#deps;
    if (result.kind === "failed") {
      const debugError = shorten(`${result.code}: ${result.message}`);
      await failTask(db, this.#fence, { pexit: "1", debugError, debugOutput: this.#log });
    } else if (result.kind === "cancelled" || this.#signal.aborted) {
      // Drained: back to the queue unharmed. Killed or rescued: the fence refuses this, as it should.
      await returnTask(db, this.#fence, { engineFailed: false, debugError: "" });
    } else if (this.#task.engineFailures + 1 >= limits.engineFailures) {
      const debugError = shorten(`ENGINE_FAILED ${limits.engineFailures} times; the last: ${result.reason}`);
      await failTask(db, this.#fence, { pexit: "1", debugError, debugOutput: this.#log });
    } else {
      await returnTask(db, this.#fence, { engineFailed: true, debugError: shorten(result.reason) });
    }
  }

  async #move(to: Status, more: { data?: unknown; variant?: string } = {}): Promise<void> {
    const moved = await certainly(
      () => moveTask(this.#deps.db, this.#fence, { to, ...more }),
      async () => {
        const now = await selectAttempt(this.#deps.db, this.#fence);
        return now?.workerId === this.#fence.workerId && now.status === to;
      },
    );
    if (!moved) throw new FenceLost();
    this.#deps.log.debug({ taskId: this.#task.id, attempt: this.#task.attempt, status: to }, "task.moved");
  }

  #keepLog(text: string): void {
    if (this.#log.length < limits.debugCharacters) this.#log += `${storable(text.slice(0, limits.logLineCharacters))}\n`;
  }
}

function shorten(text: string): string {
  return storable(text.slice(0, limits.debugCharacters));
}

/** PostgreSQL's text holds no NUL character; a model's output may. */
function storable(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}
