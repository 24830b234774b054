// The bytes between a remote worker and the server: outputs piece by piece, and the files that an input names.

import { offsetAnswerSchema } from "@atelier/schema/worker-messages";
import type { FastifyInstance } from "fastify";

import { selectAttempt } from "../../db/queries/moves.ts";
import type { Fence } from "../../db/queries/moves.ts";
import { AtelierError } from "../../errors.ts";
import { limits } from "../../limits.ts";
import { openInputFile } from "../../tasks/input-files.ts";
import { addPiece, uploadedBytes } from "../../tasks/upload-pieces.ts";
import { attemptPath } from "./attempt-routes.ts";
import { addWorkerRoute, held, leaseIn, numberIn } from "./worker-route.ts";
import type { WorkerCall, WorkerRouteDeps } from "./worker-route.ts";

const output = "tasks/:task/attempts/:attempt/outputs/:index";
const outputPath = { ...attemptPath, index: "Place among the outputs, from 0." };

export function addUploadRoutes(app: FastifyInstance, deps: WorkerRouteDeps): void {
  const place = async (call: WorkerCall<unknown>): Promise<{ fence: Fence; index: number }> => {
    const fence = { ...leaseIn(call.request), workerId: call.worker.workerId };
    const index = Number(numberIn(call.request, "index", 4));
    if (index >= limits.outputsPerTask) throw new AtelierError("WORKER_MESSAGE_INVALID", { problem: "there are too many outputs" });
    const attempt = await selectAttempt(deps.db, fence);
    held(attempt?.workerId === fence.workerId);
    return { fence, index };
  };
  addWorkerRoute(app, deps, {
    method: "GET",
    url: "tasks/:task/attempts/:attempt/inputs",
    id: "workerInput",
    summary: "A file that the task's input names, by the query's `key`",
    path: attemptPath,
    answer: "bytes",
    failures: ["WORKER_LEASE_LOST", "WORKER_INPUT_MISSING"],
    handle: async ({ request, reply, worker }) => {
      const key = new URL(request.url, "http://x").searchParams.get("key") ?? "";
      const file = await openInputFile(deps, { ...leaseIn(request), workerId: worker.workerId }, key);
      if (file === "lost") throw new AtelierError("WORKER_LEASE_LOST");
      if (file === "missing") throw new AtelierError("WORKER_INPUT_MISSING");
      return reply.header("content-type", "application/octet-stream").header("content-length", file.sizeBytes).send(file.stream);
    },
  });
  addWorkerRoute(app, deps, {
    method: "GET",
    url: output,
    id: "workerUploadOffset",
    summary: "How much of an output has arrived",
    path: outputPath,
    answer: offsetAnswerSchema,
    failures: ["WORKER_LEASE_LOST"],
    handle: async (call) => {
      const { fence, index } = await place(call);
      return { offset: await uploadedBytes(deps, fence, index) };
    },
  });
  addWorkerRoute(app, deps, {
    method: "PUT",
    url: output,
    id: "workerUpload",
    summary: "Append a piece to an output; the header upload-offset says where it begins",
    path: outputPath,
    answer: offsetAnswerSchema,
    failures: ["WORKER_LEASE_LOST", "WORKER_UPLOAD_OFFSET", "WORKER_UPLOAD_TOO_LARGE"],
    handle: async (call) => {
      const { fence, index } = await place(call);
      const header = call.request.headers["upload-offset"];
      const offset = typeof header === "string" && /^\d{1,15}$/.test(header) ? Number(header) : NaN;
      if (Number.isNaN(offset)) throw new AtelierError("WORKER_MESSAGE_INVALID", { problem: "upload-offset is no number" });
      // Refused before it is read, as far as the sender says how much it is.
      if (offset + Number(call.request.headers["content-length"] ?? 0) > limits.outputBytes) {
        throw new AtelierError("WORKER_UPLOAD_TOO_LARGE", { most: limits.outputBytes });
      }
      return { offset: await addPiece(deps, fence, { index, offset, piece: call.request.raw }) };
    },
  });
}
