// The worker: claims tasks, keeps their leases alive, runs them, and gives them back when it must stop.

import { randomUUID } from "node:crypto";

import { cleanModelName } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";

import { claimTask, renewLeases } from "../db/queries/leases.ts";
import type { ClaimedTask } from "../db/queries/leases.ts";
import type { Database } from "../db/database.ts";
import type { Subscription } from "../db/listener.ts";
import { limits } from "../limits.ts";
import { chooseVariant } from "./plan-run.ts";
import { runTask } from "./run-task.ts";
import type { RunTaskDeps } from "./run-task.ts";

export interface WorkerDeps extends Omit<RunTaskDeps, "workerId"> {
  readonly listModels: () => readonly Manifest[];
  readonly db: Database;
  /** Tasks that run at once. */
  readonly slots: number;
  /** How long running tasks may go on once draining has begun. Default: the limit. */
  readonly drainMs?: number;
}

export interface Worker {
  readonly id: string;
  /** Claims and starts what can be started now; resolves when there is nothing more to claim. */
  runOnce(): Promise<void>;
  /** Takes no more tasks from now on; those it has go on. The first step of a shutdown. */
  stopClaiming(): Promise<void>;
  /** Stops claiming, lets running tasks end within the limit, returns the others to the queue, stops the engines. */
  drain(): Promise<void>;
}

interface HeldTask {
  readonly task: ClaimedTask;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

export async function startWorker(deps: WorkerDeps): Promise<Worker> {
  const worker = new ClaimingWorker(deps);
  await worker.start();
  return worker;
}

class ClaimingWorker implements Worker {
  readonly id = randomUUID();
  readonly #deps: WorkerDeps;
  readonly #held = new Map<string, HeldTask>();
  #timers: NodeJS.Timeout[] = [];
  #subscriptions: Subscription[] = [];
  #claiming: Promise<void> | undefined;
  #claimAgain = false;
  #stopping = false;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    const wake = (): void => this.#wake();
    const beat = (): void => void this.#beat();
    this.#subscriptions.push(await this.#deps.db.listen("atelier_queue", wake, wake));
    // A kill that was missed while the database was away is seen by the next heartbeat.
    this.#subscriptions.push(await this.#deps.db.listen("atelier_kill", (payload) => this.#onKill(payload), beat));
    this.#timers.push(setInterval(() => this.#wake(), limits.claimPollMs));
    this.#timers.push(setInterval(() => void this.#beat(), limits.heartbeatMs));
    this.#wake();
  }

  runOnce(): Promise<void> {
    this.#claimAgain = true;
    this.#claiming ??= this.#claimWhilePossible().finally(() => (this.#claiming = undefined));
    return this.#claiming;
  }

  async stopClaiming(): Promise<void> {
    this.#stopping = true;
    await this.#claiming?.catch(() => undefined); // already logged by whoever began it
  }

  /** Heartbeats go on until the last task has ended: a draining worker still holds its leases. */
  async drain(): Promise<void> {
    await this.stopClaiming();
    const timer = setTimeout(() => this.#abortAll("drain"), this.#deps.drainMs ?? limits.drainMs);
    await Promise.all([...this.#held.values()].map((held) => held.ended));
    clearTimeout(timer);
    for (const interval of this.#timers) clearInterval(interval);
    for (const subscription of this.#subscriptions) subscription.stop();
    await this.#deps.engines.stop();
  }

  #wake(): void {
    this.runOnce().catch((error: unknown) => this.#deps.log.warn({ err: error }, "worker.claim_failed"));
  }

  async #claimWhilePossible(): Promise<void> {
    while (this.#claimAgain && !this.#stopping && this.#held.size < this.#deps.slots) {
      this.#claimAgain = false;
      const task = await claimTask(this.#deps.db, {
        workerId: this.id,
        models: this.#runnableModels(),
        leaseMs: limits.leaseMs,
      });
      if (!task) continue;
      this.#claimAgain = true;
      this.#hold(task);
    }
  }

  #runnableModels(): string[] {
    const { engines, folders, listModels } = this.#deps;
    return listModels()
      .filter((manifest) => chooseVariant(manifest, engines.names, folders))
      .map(cleanModelName);
  }

  #hold(task: ClaimedTask): void {
    const controller = new AbortController();
    this.#deps.log.info({ taskId: task.id, attempt: task.attempt, model: task.model }, "task.claimed");
    const ended = runTask({ ...this.#deps, workerId: this.id }, task, controller.signal).finally(() => {
      this.#held.delete(task.id);
      this.#wake();
    });
    this.#held.set(task.id, { task, controller, ended });
  }

  #onKill(payload: string): void {
    const [taskId, attempt] = payload.split(":");
    const held = this.#held.get(taskId ?? "");
    if (held && String(held.task.attempt) === attempt) held.controller.abort("killed");
  }

  /** Renews the leases. A held task that the database no longer gives to us was killed or rescued: its engine stops. */
  async #beat(): Promise<void> {
    try {
      const before = [...this.#held.values()];
      if (before.length === 0) return;
      const renewed = await renewLeases(this.#deps.db, {
        workerId: this.id,
        leaseMs: limits.leaseMs,
        held: before.map(({ task }) => ({ id: task.id, attempt: task.attempt })),
      });
      const ours = new Set(renewed.map((lease) => `${lease.id}:${lease.attempt}`));
      for (const { task, controller } of before) {
        const key = `${task.id}:${task.attempt}`;
        if (!ours.has(key) && this.#held.get(task.id)?.task.attempt === task.attempt) controller.abort("lost");
      }
    } catch (error) {
      this.#deps.log.warn({ err: error }, "worker.heartbeat_failed");
    }
  }

  #abortAll(reason: string): void {
    for (const held of this.#held.values()) held.controller.abort(reason);
  }
}
