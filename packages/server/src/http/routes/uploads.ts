// GET /uploads/models/{file} and /uploads/samples/{file}: the covers of the models, and the sample inputs of those that take files.

import { open } from "node:fs/promises";
import { extname } from "node:path";

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { AtelierError } from "../../errors.ts";
import type { RouteContext } from "../http-deps.ts";
import type { Operation } from "../openapi/operation.ts";
import { writeFileHeaders } from "../send-file.ts";

const pictureTypes: Readonly<Record<string, string>> = {
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".png": "image/png",
  ".webp": "image/webp",
};

const replies: Operation["replies"] = {
  200: { description: "The picture.", content: { "image/*": "bytes" } },
  304: { description: "The caller has it." },
};
const covers: Operation = {
  id: "cover",
  summary: "The cover of a model",
  tag: "Files",
  access: "open",
  path: { file: "`{Owner}-{Slug}-cover.{ext}`" },
  replies,
};
const samples: Operation = {
  id: "sample",
  summary: "A sample input of a model that takes files",
  tag: "Files",
  access: "open",
  path: { file: "A name that the model's default or an example has." },
  replies,
};

/** Only files that a manifest names are served, so no path of a request reaches the disk. */
export function addUploadRoute(app: FastifyInstance, context: RouteContext): void {
  const folders = [
    { url: "/uploads/models/:file", operation: covers, pathOf: (file: string) => context.models.coverPath(file) },
    { url: "/uploads/samples/:file", operation: samples, pathOf: (file: string) => context.models.samplePath(file) },
  ];
  for (const { url, operation, pathOf } of folders) {
    app.get<{ Params: { file: string } }>(url, { config: { operation } }, (request, reply) => {
      const { file } = request.params;
      return sendPicture({ path: pathOf(file), contentType: pictureTypes[extname(file).toLowerCase()] }, { request, reply });
    });
  }
}

async function sendPicture(
  { path, contentType }: { path: string | undefined; contentType: string | undefined },
  exchange: { request: FastifyRequest; reply: FastifyReply },
): Promise<FastifyReply> {
  const handle = path === undefined ? undefined : await open(path).catch(() => undefined);
  if (!handle || contentType === undefined) {
    await handle?.close();
    throw new AtelierError("ROUTE_UNKNOWN");
  }
  const { size, mtimeMs } = await handle.stat();
  const version = `${size.toString(16)}-${Math.round(mtimeMs).toString(16)}`;
  const facts = { contentType, sizeBytes: size, version, cacheControl: "public, max-age=3600" };
  if (!writeFileHeaders(exchange, facts)) return exchange.reply.send(handle.createReadStream());
  await handle.close();
  return exchange.reply.send();
}
