// GET /openapi.json: this server in OpenAPI 3.1, made from the schemas that its routes use.

import type { Manifest } from "@atelier/schema/manifest";
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import type { RouteContext } from "../http-deps.ts";
import { openApiDocument } from "../openapi/document.ts";
import type { DocumentedRoute, Operation } from "../openapi/operation.ts";

const operation: Operation = {
  id: "openapi",
  summary: "This document",
  tag: "Server",
  access: "open",
  replies: {
    200: { description: "OpenAPI 3.1.", content: { "application/json": z.looseObject({ openapi: z.string() }) } },
  },
};

/** `routes` is complete only when the server is built; the document is made at its first reading, and again when the models
 *  are others. */
export function addOpenApiRoute(app: FastifyInstance, context: RouteContext, routes: readonly DocumentedRoute[]): void {
  let made: { models: readonly Manifest[]; text: string } | undefined;
  app.get("/openapi.json", { config: { operation } }, (_request, reply) => {
    const models = context.models.list();
    if (made?.models !== models) {
      const { textOf } = context.models;
      const document = openApiDocument({ routes, models, textOf, publicUrl: context.publicUrl() });
      made = { models, text: JSON.stringify(document) };
    }
    return reply.type("application/json; charset=utf-8").send(made.text);
  });
}
