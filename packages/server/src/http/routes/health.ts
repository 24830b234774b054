// GET /healthz and /readyz: for whoever keeps the server running.

import { setTimeout as delay } from "node:timers/promises";

import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { limits } from "../../limits.ts";
import type { RouteContext } from "../http-deps.ts";
import type { Operation } from "../openapi/operation.ts";

const healthOperation: Operation = {
  id: "health",
  summary: "Whether the process lives",
  tag: "Server",
  access: "open",
  replies: { 200: { description: "It does.", content: { "application/json": z.strictObject({ status: z.literal("ok") }) } } },
};

const readySchema = z.strictObject({ status: z.enum(["ready", "not ready"]), models: z.int() });

const readyOperation: Operation = {
  id: "ready",
  summary: "Whether tasks can be created now",
  tag: "Server",
  access: "open",
  replies: {
    200: { description: "They can.", content: { "application/json": readySchema } },
    503: { description: "They cannot.", content: { "application/json": readySchema } },
  },
};

/** `/healthz` answers while the process lives; `/readyz` with 503 while tasks cannot be created (the
 *  database is away, the disk is full), and from the moment on in
 *  which the server is told to stop. Neither counts as a request: a load balancer that asks from the address of its clients
 *  must not take a busy server for a broken one. */
export function addHealthRoutes(app: FastifyInstance, context: RouteContext): void {
  app.get("/healthz", { config: { isCounted: false, operation: healthOperation } }, () => ({ status: "ok" }));
  const look = sharedLook(async () => (await context.hasRoom()) && (await context.isReady()));
  app.get("/readyz", { config: { isCounted: false, operation: readyOperation } }, async (_request, reply) => {
    const isReady = await look();
    reply.status(isReady ? 200 : 503);
    return { status: isReady ? "ready" : "not ready", models: context.models.list().length };
  });
}

/** Any number of probes wait for one question, and none for longer than the limit: a database that is away is asked for
 *  seconds, and a probe that gets no answer learns nothing. */
function sharedLook(isReady: () => Promise<boolean>): () => Promise<boolean> {
  let asking: Promise<boolean> | undefined;
  return async () => {
    asking ??= isReady()
      .catch(() => false)
      .finally(() => (asking = undefined));
    const timer = new AbortController();
    const tooLate = delay(limits.readyAnswerMs, false, { signal: timer.signal }).catch(() => false);
    const answer = await Promise.race([asking, tooLate]);
    timer.abort();
    return answer;
  };
}
