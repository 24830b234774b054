// The worker API (docs/worker-api.md): a task source over HTTP for workers that reach neither the database nor the files.

import { heldMessageSchema, leasesAnswerSchema, modelsAnswerSchema } from "@atelier/schema/worker-messages";
import type { FastifyInstance } from "fastify";

import type { LocalTaskSourceDeps } from "../../tasks/local-task-source.ts";
import { addAttemptRoutes } from "./attempt-routes.ts";
import { addClaimRoutes, versionOf } from "./claims.ts";
import { OpenWatches } from "./open-watches.ts";
import { addUploadRoutes } from "./upload-routes.ts";
import { WorkerDoor } from "./worker-door.ts";
import { addWorkerRoute } from "./worker-route.ts";
import type { WorkerRouteDeps } from "./worker-route.ts";

export interface WorkerApiDeps extends LocalTaskSourceDeps {
  /** Of this process: outputs are put together and checked here. */
  readonly scratchFolder: string;
  /** Of this installation, for workers that do not fit. */
  readonly version: string;
}

export function addWorkerApi(app: FastifyInstance, workerApi: WorkerApiDeps): void {
  const deps = { ...workerApi, door: new WorkerDoor(workerApi) };
  addModelsRoute(app, deps);
  addClaimRoutes(app, deps);
  addLeaseRoutes(app, deps);
  addAttemptRoutes(app, deps);
  addUploadRoutes(app, deps);
}

function addModelsRoute(app: FastifyInstance, deps: WorkerRouteDeps): void {
  addWorkerRoute(app, deps, {
    method: "GET",
    url: "models",
    id: "workerModels",
    summary: "The manifests of all models",
    answer: modelsAnswerSchema,
    handle: async () => {
      const models = deps.listModels();
      return { version: versionOf(models), models };
    },
  });
}

function addLeaseRoutes(app: FastifyInstance, deps: WorkerRouteDeps): void {
  const watches = new OpenWatches();
  app.addHook("preClose", async () => watches.close());
  addWorkerRoute(app, deps, {
    url: "renew",
    id: "workerRenew",
    summary: "Renew leases, and learn which are left",
    message: heldMessageSchema,
    answer: leasesAnswerSchema,
    handle: async ({ source, message }) => ({ leases: await source.renew(message.held) }),
  });
  addWorkerRoute(app, deps, {
    url: "watch",
    id: "workerWatch",
    summary: "Wait until one of the leases is killed",
    message: heldMessageSchema,
    answer: leasesAnswerSchema,
    handle: async ({ source, message, gone }) => ({ leases: await watches.watch(gone, (signal) => source.watch(message.held, signal)) }),
  });
}
