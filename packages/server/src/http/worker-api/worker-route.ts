// One endpoint of the worker API: authenticated by a worker token, with a checked message, answered in plain JSON.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";

import { AtelierError } from "../../errors.ts";
import type { ErrorCode } from "../../errors.ts";
import { limits } from "../../limits.ts";
import { openLocalTaskSource } from "../../tasks/local-task-source.ts";
import type { LocalTaskSource, LocalTaskSourceDeps } from "../../tasks/local-task-source.ts";
import type { Lease } from "../../tasks/task-source.ts";
import { readFields } from "../body.ts";
import type { Operation } from "../openapi/operation.ts";
import type { RemoteWorker, WorkerDoor } from "./worker-door.ts";

/** What a handler knows of a request. */
export interface WorkerCall<Message> {
  readonly worker: RemoteWorker;
  /** The same source as the embedded worker's, for this worker's leases. */
  readonly source: LocalTaskSource;
  readonly message: Message;
  /** Aborted when the connection is gone before the answer. */
  readonly gone: AbortSignal;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export interface WorkerRoute<Message extends z.ZodType, Answer extends z.ZodType> {
  readonly method?: "GET" | "POST" | "PUT";
  readonly url: string;
  readonly id: string;
  readonly summary: string;
  /** Undefined: the body is not read. */
  readonly message?: Message;
  readonly answer: Answer | "bytes";
  readonly path?: Readonly<Record<string, string>>;
  readonly failures?: readonly ErrorCode[];
  handle(call: WorkerCall<z.output<Message>>): Promise<unknown>;
}

export interface WorkerRouteDeps extends LocalTaskSourceDeps {
  readonly door: WorkerDoor;
  readonly scratchFolder: string;
}

export function addWorkerRoute<Message extends z.ZodType, Answer extends z.ZodType>(
  app: FastifyInstance,
  deps: WorkerRouteDeps,
  route: WorkerRoute<Message, Answer>,
): void {
  app.route({
    method: route.method ?? "POST",
    url: `/worker/v1/${route.url}`,
    // The door counts refusals, and a worker that holds tasks asks once a second.
    config: { isCounted: false, operation: operationOf(route) },
    handler: async (request, reply) => {
      const worker = await deps.door.enter(request);
      const source = openLocalTaskSource(deps, worker.workerId);
      const message = route.message && (await readMessage(request, route.message));
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      // A route without a message has `undefined` for its output.
      return route.handle({ worker, source, message: message as z.output<Message>, gone: gone.signal, request, reply });
    },
  });
}

/** The lease that a path names. Throws WORKER_MESSAGE_INVALID. */
export function leaseIn(request: FastifyRequest): Lease {
  return { taskId: numberIn(request, "task", 18), attempt: Number(numberIn(request, "attempt", 9)) };
}

/** Decimal digits of a path. */
export function numberIn(request: FastifyRequest, name: string, digits: number): string {
  // Every path parameter of these routes is text.
  const text = (request.params as Record<string, string>)[name] ?? "";
  if (/^[0-9]+$/.test(text) && text.length <= digits) return text;
  throw new AtelierError("WORKER_MESSAGE_INVALID", { problem: `${name} is no number` });
}

/** Throws WORKER_LEASE_LOST for an attempt that is not this worker's any more. */
export function held(isHeld: boolean): { done: true } {
  if (isHeld) return { done: true };
  throw new AtelierError("WORKER_LEASE_LOST");
}

async function readMessage<Message extends z.ZodType>(request: FastifyRequest, schema: Message): Promise<z.output<Message>> {
  const fields = await readFields(request.raw, "application/json", limits.workerMessageBytes).catch((cause: unknown) => {
    throw new AtelierError("WORKER_MESSAGE_INVALID", { problem: "the body is no JSON object, or too large" }, { cause });
  });
  const parsed = schema.safeParse({ ...fields });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AtelierError("WORKER_MESSAGE_INVALID", { problem: `${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim() });
}

function operationOf(route: WorkerRoute<z.ZodType, z.ZodType>): Operation {
  const content = route.answer === "bytes" ? { "application/octet-stream": "bytes" as const } : { "application/json": route.answer };
  return {
    id: route.id,
    summary: route.summary,
    tag: "Workers",
    access: "worker",
    ...(route.path && { path: route.path }),
    ...(route.message && { body: route.message }),
    replies: { 200: { description: "Done.", content } },
    failures: ["WORKER_MESSAGE_INVALID", ...(route.failures ?? [])],
  };
}
