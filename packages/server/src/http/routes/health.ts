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

const readySchema = z.strictObject({
  status: z.enum(["ready", "not ready"]),
  models: z.int(),
  /** False while the disk is full: Run is refused, and everything else goes on. */
  takesTasks: z.boolean(),
});

const readyOperation: Operation = {
  id: "ready",
  summary: "Whether requests can be answered now",
  tag: "Server",
  access: "open",
  replies: {
    200: { description: "They can; Run as well when `takesTasks` is true.", content: { "application/json": readySchema } },
    503: { description: "They cannot.", content: { "application/json": readySchema } },
  },
};

/** `/healthz` answers while the process lives; `/readyz` with 503 while the database is away, and from the moment on in which
 *  the server is told to stop. A full disk is no reason to send nobody here: pictures, lists and sockets need no room. Neither counts as a request: a load balancer that asks from the address of its clients
 *  must not take a busy server for a broken one. */
export function addHealthRoutes(app: FastifyInstance, context: RouteContext): void {
  app.get("/healthz", { config: { isCounted: false, operation: healthOperation } }, () => ({ status: "ok" }));
  const look = sharedLook(() => context.isReady());
  const lookForRoom = sharedLook(() => context.hasRoom());
  app.get("/readyz", { config: { isCounted: false, operation: readyOperation } }, async (_request, reply) => {
    const [isReady, hasRoom] = await Promise.all([look(), lookForRoom()]);
    reply.status(isReady ? 200 : 503);
    return { status: isReady ? "ready" : "not ready", models: context.models.list().length, takesTasks: isReady && hasRoom };
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
