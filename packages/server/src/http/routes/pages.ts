// GET / and /models/{owner}/{model}: pages for people; llms.txt beside each: the same for programs that read.

import type { Manifest } from "@atelier/schema/manifest";
import { modelPageText } from "@atelier/schema/model-page";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { AtelierError } from "../../errors.ts";
import type { CatalogueContext } from "../catalogue.ts";
import { missingPage, modelListPage } from "../pages/model-list-page.ts";
import { modelPage } from "../pages/model-page.ts";
import { sendPage, sendText } from "../pages/page-frame.ts";
import { siteText } from "../pages/site-text.ts";
import { coverUrl, readToolContext } from "../show-tool.ts";

interface ModelPath {
  readonly Params: { readonly owner: string; readonly model: string };
}

/** Where the text of a model is: both names of today, and the older address that is still linked to. */
const textPaths = ["/models/:owner/:model/llms.txt", "/models/:owner/:model/llms-full.txt", "/tools/:owner/:model/llms-full.txt"];

export function addPageRoutes(app: FastifyInstance, context: CatalogueContext): void {
  const find = (request: FastifyRequest<ModelPath>): Manifest | undefined =>
    context.models.find({ owner: request.params.owner, slug: request.params.model });

  app.get("/", (_request, reply) => sendPage(reply, modelListPage(context.models.list())));
  app.get("/llms.txt", (_request, reply) => sendText(reply, siteText(context.models.list(), context.publicUrl())));
  app.get<ModelPath>("/models/:owner/:model", async (request, reply) => {
    const manifest = find(request);
    return manifest ? sendModelPage(context, reply, manifest) : sendPage(reply, missingPage(), 404);
  });
  for (const path of textPaths) {
    app.get<ModelPath>(path, (request, reply) => {
      const manifest = find(request);
      if (!manifest) throw new AtelierError("ROUTE_UNKNOWN");
      return sendText(reply, modelText(context, manifest));
    });
  }
}

async function sendModelPage(context: CatalogueContext, reply: FastifyReply, manifest: Manifest): Promise<FastifyReply> {
  const { statistics, textOf } = (await readToolContext(context))(manifest);
  return sendPage(reply, modelPage(manifest, { api: `${context.publicUrl()}/v1`, statistics, textOf }));
}

function modelText(context: CatalogueContext, manifest: Manifest): string {
  const url = context.publicUrl();
  return modelPageText(manifest, { api: `${url}/v1`, outputs: `${url}/outputs`, cover: coverUrl(context, manifest) });
}
