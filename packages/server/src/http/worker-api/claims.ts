// Claims of remote workers: held open until there is a task, one per worker, and never for a worker that is gone.

import { createHash } from "node:crypto";

import type { Manifest } from "@atelier/schema/manifest";
import { claimAnswerSchema, claimMessageSchema, doneAnswerSchema, emptyMessageSchema } from "@atelier/schema/worker-messages";
import type { ClaimMessage } from "@atelier/schema/worker-messages";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";

import { selectLeasesOf } from "../../db/queries/worker-tokens.ts";
import { AtelierError } from "../../errors.ts";
import { leaseKey } from "../../tasks/task-source.ts";
import type { AssignedTask, Lease } from "../../tasks/task-source.ts";
import { addWorkerRoute } from "./worker-route.ts";
import type { WorkerCall, WorkerRouteDeps } from "./worker-route.ts";

type ClaimAnswer = z.infer<typeof claimAnswerSchema>;

interface OpenClaim {
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
}

export function addClaimRoutes(app: FastifyInstance, deps: WorkerRouteDeps): void {
  const claims = new OpenClaims(deps);
  app.addHook("preClose", async () => claims.close());
  addWorkerRoute(app, deps, {
    url: "claim",
    id: "workerClaim",
    summary: "Wait for a task",
    message: claimMessageSchema,
    answer: claimAnswerSchema,
    handle: (call) => claims.claim(call),
  });
  addWorkerRoute(app, deps, {
    url: "claim/end",
    id: "workerClaimEnd",
    summary: "Let the open claim answer now",
    message: emptyMessageSchema,
    answer: doneAnswerSchema,
    handle: async ({ worker }) => {
      claims.end(worker.workerId);
      return { done: true };
    },
  });
}

/** Changes when any manifest does. */
export function versionOf(models: readonly Manifest[]): string {
  return createHash("sha256").update(JSON.stringify(models)).digest("hex").slice(0, 16);
}

class OpenClaims {
  readonly #deps: WorkerRouteDeps;
  /** By worker. */
  readonly #open = new Map<string, OpenClaim>();
  #isClosing = false;

  constructor(deps: WorkerRouteDeps) {
    this.#deps = deps;
  }

  /** A worker's newer claim ends its older one, whose connection may be dead without anybody knowing. */
  async claim(call: WorkerCall<ClaimMessage>): Promise<ClaimAnswer> {
    const { workerId } = call.worker;
    if (this.#isClosing) throw new AtelierError("SERVER_UNAVAILABLE");
    const older = this.#open.get(workerId);
    const stop = new AbortController();
    const claiming = (async () => {
      older?.stop.abort();
      await older?.ended;
      return this.#claim(call, AbortSignal.any([stop.signal, call.gone]));
    })();
    const open = { stop, ended: claiming.catch(() => undefined) };
    this.#open.set(workerId, open);
    try {
      return await claiming;
    } finally {
      if (this.#open.get(workerId) === open) this.#open.delete(workerId);
    }
  }

  end(workerId: string): void {
    this.#open.get(workerId)?.stop.abort();
  }

  close(): void {
    this.#isClosing = true;
    for (const { stop } of this.#open.values()) stop.abort();
  }

  async #claim(call: WorkerCall<ClaimMessage>, signal: AbortSignal): Promise<ClaimAnswer> {
    const { source, message } = call;
    const modelsVersion = versionOf(this.#deps.listModels());
    if (message.recover) await this.#returnForgotten(call, message.recover);
    const { models, warm, warmBases } = message;
    const [task] = await source.claim({ models, warm, warmBases, free: 1, held: [] }, signal);
    if (!task) return { modelsVersion, task: null };
    await this.#refuseUndeliverable(call, task);
    const { taskId, attempt, model, input, eventSeq } = task;
    return { modelsVersion, task: { taskId, attempt, model, input, eventSeq } };
  }

  /** What was claimed for this worker and never reached it goes back to the queue now, not when its lease runs out. */
  async #returnForgotten({ worker, source }: WorkerCall<unknown>, heldByWorker: readonly Lease[]): Promise<void> {
    const known = new Set(heldByWorker.map(leaseKey));
    for (const lease of await selectLeasesOf(this.#deps.db, worker.workerId)) {
      if (!known.has(leaseKey(lease))) await source.putBack(lease);
    }
  }

  async #refuseUndeliverable({ worker, source, gone }: WorkerCall<unknown>, task: AssignedTask): Promise<void> {
    try {
      // A token may be revoked while its claim waits.
      await worker.checkAgain();
      if (gone.aborted) throw new AtelierError("SERVER_UNAVAILABLE");
    } catch (error) {
      await source.putBack(task);
      throw error;
    }
  }
}
