// GET /uploads/models/{file}: the covers of the models.

import { open } from "node:fs/promises";
import { extname } from "node:path";

import type { FastifyInstance } from "fastify";

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

const operation: Operation = {
  id: "cover",
  summary: "The cover of a model",
  tag: "Files",
  access: "open",
  path: { file: "`{Owner}-{Slug}-cover.{ext}`" },
  replies: { 200: { description: "The picture.", content: { "image/*": "bytes" } }, 304: { description: "The caller has it." } },
};

/** Only files that a manifest names as its cover are served, so no path of a request reaches the disk. */
export function addUploadRoute(app: FastifyInstance, context: RouteContext): void {
  app.get<{ Params: { file: string } }>("/uploads/models/:file", { config: { operation } }, async (request, reply) => {
    const path = context.models.coverPath(request.params.file);
    const contentType = pictureTypes[extname(request.params.file).toLowerCase()];
    const handle = path === undefined ? undefined : await open(path).catch(() => undefined);
    if (!handle || contentType === undefined) {
      await handle?.close();
      throw new AtelierError("ROUTE_UNKNOWN");
    }
    const { size, mtimeMs } = await handle.stat();
    const version = `${size.toString(16)}-${Math.round(mtimeMs).toString(16)}`;
    const facts = { contentType, sizeBytes: size, version, cacheControl: "public, max-age=3600" };
    if (!writeFileHeaders({ request, reply }, facts)) return reply.send(handle.createReadStream());
    await handle.close();
    return reply.send();
  });
}
