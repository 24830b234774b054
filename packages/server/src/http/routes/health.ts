// GET /healthz and /readyz: for whoever keeps the server running.

import type { FastifyInstance } from "fastify";
import { z } from "zod";

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

/** `/healthz` answers while the process lives; `/readyz` with 503 while tasks cannot be created. */
export function addHealthRoutes(app: FastifyInstance, context: RouteContext): void {
  app.get("/healthz", { config: { isCounted: false, operation: healthOperation } }, () => ({ status: "ok" }));
  app.get("/readyz", { config: { operation: readyOperation } }, async (_request, reply) => {
    const isReady = await context.isReady().catch(() => false);
    reply.status(isReady ? 200 : 503);
    return { status: isReady ? "ready" : "not ready", models: context.models.list().length };
  });
}
