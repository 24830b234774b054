// The worker: claims tasks, keeps their leases alive, runs them, and gives them back when it must stop.

import { setTimeout as delay } from "node:timers/promises";

import { modelNames } from "@atelier/schema/manifest";

import { limits } from "../limits.ts";
import type { AssignedTask, ClaimOffer } from "../tasks/task-source.ts";
import { AwayNotice } from "./away-notice.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { chooseVariant } from "./plan-run.ts";
import { retryWaitMs } from "./retry-wait.ts";
import { RunFolders } from "./run-folders.ts";
import { TempRoom } from "./temp-room.ts";
import { warmModels } from "./warm-models.ts";
import { runTask } from "./run-task.ts";
import type { RunTaskDeps } from "./run-task.ts";

export interface WorkerDeps extends Omit<RunTaskDeps, "runFolders"> {
  /** Where runs have their folders. */
  readonly tempFolder: string;
  /** Tasks that run at once. */
  readonly slots: number;
  /** How long running tasks may go on once draining has begun. Default: the limit. */
  readonly drainMs?: number;
  /** Whether the temp folder has room for another task; asked before each claim. Absent: the source looks, whose disk it is on. */
  readonly hasRoom?: () => Promise<boolean>;
}

export interface Worker {
  /** Takes no more tasks from now on; those it has go on. The first step of a shutdown. */
  stopClaiming(): Promise<void>;
  /** Stops claiming, lets running tasks end within the limit, returns the others to the queue, stops the engines and
   *  closes the source. Safe to call again. */
  drain(): Promise<void>;
}

interface HeldTask {
  readonly task: AssignedTask;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
  /** Its engine is done; the end is being written. */
  isDrawn: boolean;
}

export function startWorker(deps: WorkerDeps): Worker {
  const worker = new ClaimingWorker(deps);
  worker.start();
  return worker;
}

class ClaimingWorker implements Worker {
  readonly #deps: WorkerDeps;
  readonly #leases: LeaseKeeper;
  readonly #away: AwayNotice;
  readonly #room: TempRoom;
  readonly #runFolders: RunFolders;
  readonly #held = new Set<HeldTask>();
  readonly #stopping = new AbortController();
  /** Called when a place has become free, and when claiming stops. */
  #onChange: () => void = () => undefined;
  #claiming: Promise<void> = Promise.resolve();
  #draining: Promise<void> | undefined;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
    this.#away = new AwayNotice(deps.log);
    this.#room = new TempRoom(deps.hasRoom ?? (async () => true), deps.log);
    this.#runFolders = new RunFolders(deps.tempFolder, 2 * deps.slots);
    this.#leases = new LeaseKeeper({ ...deps, away: this.#away });
  }

  start(): void {
    this.#claiming = this.#claimUntilStopped();
  }

  async stopClaiming(): Promise<void> {
    this.#stopping.abort();
    this.#onChange();
    await this.#claiming;
  }

  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Heartbeats go on until the last task has ended: a draining worker still holds its leases. */
  async #drain(): Promise<void> {
    await this.stopClaiming();
    const timer = setTimeout(() => this.#stopTasks(), this.#deps.drainMs ?? limits.drainMs);
    await Promise.all([...this.#held].map((held) => held.ended));
    clearTimeout(timer);
    this.#leases.stop();
    await this.#deps.engines.stop();
    await this.#runFolders.close();
    await this.#deps.source.close();
  }

  async #claimUntilStopped(): Promise<void> {
    const stop = this.#stopping.signal;
    for (let failures = 0; !stop.aborted; ) {
      if (this.#free() <= 0) {
        await this.#change();
        continue;
      }
      try {
        for (const task of await this.#claim(stop)) this.#hold(task);
        failures = 0;
      } catch (error) {
        if (stop.aborted) return;
        this.#away.failed(error, "worker.claim_failed");
        await delay(retryWaitMs(failures), undefined, { signal: stop }).catch(() => undefined);
        failures += 1;
      }
    }
  }

  async #claim(stop: AbortSignal): Promise<readonly AssignedTask[]> {
    if (await this.#room.isFull()) {
      await delay(limits.claimPollMs, undefined, { signal: stop }).catch(() => undefined); // aborted: no task
      return [];
    }
    const offer = await this.#offer();
    const tasks = await this.#deps.source.claim(offer, stop);
    this.#away.answered();
    return tasks;
  }

  /** Where the source allows it, runs whose end is being written hold no place: the engines draw meanwhile, and the statements that
   *  end tasks do not wait for those that claim. When there are more such runs than places, writing is what is slow. */
  #free(): number {
    const { slots, source } = this.#deps;
    const drawn = source.freesPlacesEarly ? [...this.#held].filter(({ isDrawn }) => isDrawn).length : 0;
    return drawn > slots ? 0 : slots - (this.#held.size - drawn);
  }

  async #offer(): Promise<ClaimOffer> {
    const { engines, folders, source } = this.#deps;
    const models = (await source.models()).filter((manifest) => chooseVariant(manifest, engines.names, folders));
    return {
      free: this.#free(),
      places: this.#deps.slots,
      models: models.flatMap(modelNames),
      ...warmModels(models, { engines: engines.names, folders, loaded: engines.loaded() }),
      held: [...this.#held].map(({ task }) => task),
    };
  }

  /** One that was claimed while the worker began to stop is returned like all others, when the time of draining is over. */
  #hold(task: AssignedTask): void {
    const { log } = this.#deps;
    const { taskId, attempt, model } = task;
    log.info({ taskId, attempt, model }, "task.claimed");
    const controller = new AbortController();
    this.#leases.hold(task, (reason) => controller.abort(reason));
    const onDrawn = (): void => {
      held.isDrawn = true;
      this.#onChange();
    };
    const ended = runTask({ ...this.#deps, runFolders: this.#runFolders }, task, { signal: controller.signal, onDrawn }).finally(() => {
      this.#leases.release(task);
      this.#held.delete(held);
      this.#onChange();
    });
    const held: HeldTask = { task, controller, ended, isDrawn: false };
    this.#held.add(held);
  }

  /** With whatever changes in the same turn of the event loop: one claim for all places that were freed together. */
  #change(): Promise<void> {
    return new Promise((resolve) => (this.#onChange = () => setImmediate(resolve)));
  }

  #stopTasks(): void {
    for (const held of this.#held) held.controller.abort("drain");
  }
}
