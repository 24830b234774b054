// GET /healthz and /readyz: for whoever keeps the server running.

import type { FastifyInstance } from "fastify";

import type { RouteContext } from "../http-deps.ts";

/** `/healthz` answers while the process lives; `/readyz` with 503 while tasks cannot be created. */
export function addHealthRoutes(app: FastifyInstance, context: RouteContext): void {
  app.get("/healthz", { config: { isCounted: false } }, () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const isReady = await context.isReady().catch(() => false);
    reply.status(isReady ? 200 : 503);
    return { status: isReady ? "ready" : "not ready", models: context.models.list().length };
  });
}
