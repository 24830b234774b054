// GET /outputs/{folder}/{name}: the bytes of an output, for whoever has its unguessable address.

import type { FastifyInstance } from "fastify";

import { selectOutputByFileKey } from "../../db/queries/tasks.ts";
import { AtelierError } from "../../errors.ts";
import type { RouteContext } from "../http-deps.ts";
import type { Operation } from "../openapi/operation.ts";
import { writeFileHeaders } from "../send-file.ts";

/** Eight groups of eight hexadecimal digits, 256 random bits: the address is the permission. */
const folderForm = /^[0-9a-f]{8}(-[0-9a-f]{8}){7}$/;
const nameForm = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

const operation: Operation = {
  id: "output",
  summary: "The bytes of an output",
  description: "The unguessable address is the permission.",
  tag: "Files",
  access: "open",
  path: { folder: "Eight groups of eight hexadecimal digits.", name: "The output's name." },
  replies: { 200: { description: "The file.", content: { "*/*": "bytes" } }, 304: { description: "The caller has it." } },
};

export function addOutputRoute(app: FastifyInstance, context: RouteContext): void {
  app.get<{ Params: { folder: string; name: string } }>("/outputs/:folder/:name", { config: { operation } }, async (request, reply) => {
    const { folder, name } = request.params;
    if (!folderForm.test(folder) || !nameForm.test(name)) throw new AtelierError("ROUTE_UNKNOWN");
    const output = await selectOutputByFileKey(context.db, `${folder}/${name}`);
    const file = output && (await context.files.open(output.fileKey));
    if (!file) throw new AtelierError("ROUTE_UNKNOWN");
    const isKnown = writeFileHeaders(
      { request, reply },
      {
        contentType: output.contentType,
        sizeBytes: file.sizeBytes,
        version: output.id,
        // The bytes behind an address never change.
        cacheControl: "public, max-age=31536000, immutable",
      },
    );
    if (!isKnown) return reply.send(file.stream);
    file.stream.destroy();
    return reply.send();
  });
}
