// GET / and /models/{owner}/{model}: pages for people.

import type { FastifyInstance, FastifyReply } from "fastify";

import { AtelierError } from "../../errors.ts";
import type { RouteContext } from "../http-deps.ts";
import { modelListPage, modelPage, pagePolicy } from "../model-page.ts";

export function addPageRoutes(app: FastifyInstance, context: RouteContext): void {
  app.get("/", (_request, reply) => sendPage(reply, modelListPage(context.models.list())));
  app.get<{ Params: { owner: string; model: string } }>("/models/:owner/:model", (request, reply) => {
    const { owner, model } = request.params;
    const manifest = context.models.find({ owner, slug: model });
    if (!manifest) throw new AtelierError("ROUTE_UNKNOWN");
    return sendPage(reply, modelPage(manifest, context.publicUrl()));
  });
}

function sendPage(reply: FastifyReply, text: string): FastifyReply {
  return reply
    .headers({ "content-type": "text/html; charset=utf-8", "content-security-policy": pagePolicy, "referrer-policy": "no-referrer" })
    .send(text);
}
