// GET /, /models and /models/{owner}/{model}: pages for people; llms.txt beside each: the same for programs that read.

import type { Manifest } from "@atelier/schema/manifest";
import { modelPageText } from "@atelier/schema/model-page";
import { withSampleUrls } from "@atelier/schema/sample-files";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { AtelierError } from "../../errors.ts";
import type { CatalogueContext } from "../catalogue.ts";
import type { RouteContext } from "../http-deps.ts";
import type { Operation } from "../openapi/operation.ts";
import { missingPage, modelListPage } from "../pages/model-list-page.ts";
import { modelPage } from "../pages/model-page.ts";
import { sendPage, sendText } from "../pages/page-frame.ts";
import { siteText } from "../pages/site-text.ts";
import { coverUrl, readToolContext } from "../show-tool.ts";
import { runPath } from "./run.ts";

interface ModelPath {
  readonly Params: { readonly owner: string; readonly model: string };
}

/** Where the text of a model is: both names of today, and the older address that is still linked to. */
const textPaths = ["/models/:owner/:model/llms.txt", "/models/:owner/:model/llms-full.txt", "/tools/:owner/:model/llms-full.txt"];

const html = { "text/html": "text" } as const;

function pageOperation(id: string, summary: string): Operation {
  return { id, summary, tag: "Pages", access: "open", replies: { 200: { description: "A page.", content: html } } };
}

function textOperation(id: string, summary: string): Operation {
  const replies = { 200: { description: "Text.", content: { "text/plain": "text" } } } as const;
  return { id, summary, tag: "Pages", access: "open", replies };
}

const page = pageOperation("modelPage", "One model, for people");
const modelPageOperation: Operation = {
  ...page,
  path: runPath,
  replies: { ...page.replies, 404: { description: "No such model.", content: html } },
};

export function addPageRoutes(app: FastifyInstance, context: CatalogueContext): void {
  const find = (request: FastifyRequest<ModelPath>): Manifest | undefined =>
    context.models.find({ owner: request.params.owner, slug: request.params.model });

  for (const [path, id] of [["/", "pages"], ["/models", "modelPages"]] as const) {
    app.get(path, { config: { operation: pageOperation(id, "Every model, for people") } }, (_request, reply) => sendPage(reply, modelListPage(context.models.list())));
  }
  app.get("/llms.txt", { config: { operation: textOperation("siteText", "Every model as text") } }, (_request, reply) => sendText(reply, siteText(context.models.list(), context.publicUrl())));
  app.get<ModelPath>("/models/:owner/:model", { config: { operation: modelPageOperation } }, async (request, reply) => {
    const manifest = find(request);
    return manifest ? sendModelPage(context, reply, manifest) : sendPage(reply, missingPage(), 404);
  });
  for (const [index, path] of textPaths.entries()) {
    const operation = { ...textOperation(`modelText${index + 1}`, "One model as text"), path: runPath };
    app.get<ModelPath>(path, { config: { operation } }, (request, reply) => {
      const manifest = find(request);
      if (!manifest) throw new AtelierError("ROUTE_UNKNOWN");
      return sendText(reply, modelText(context, manifest));
    });
  }
}

async function sendModelPage(context: CatalogueContext, reply: FastifyReply, manifest: Manifest): Promise<FastifyReply> {
  const { statistics, textOf } = (await readToolContext(context))(manifest);
  return sendPage(reply, modelPage(withSampleUrls(manifest, context.publicUrl()), { api: `${context.publicUrl()}/v1`, statistics, textOf }));
}

export function modelText(context: RouteContext, manifest: Manifest): string {
  const url = context.publicUrl();
  const cover = manifest.cover === "" ? "" : coverUrl(context, manifest);
  return modelPageText(withSampleUrls(manifest, url), { api: `${url}/v1`, outputs: `${url}/outputs`, cover });
}
