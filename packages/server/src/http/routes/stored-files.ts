// GET /v1/File/{accesskey}/{name} and /outputs/{folder}/{name}: the bytes of uploads and outputs, for whoever has their
// unguessable address (docs/wire-contract.md, "Reading files").

import { Readable } from "node:stream";

import { textField } from "@atelier/schema/lenient-field";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";

import type { ReadableFile } from "../../db/file.ts";
import { selectFileByAccessKey, selectOutputByFileKey } from "../../db/queries/files.ts";
import { AtelierError } from "../../errors.ts";
import { readablePictures } from "../../files/pictures.ts";
import { openThumbnails, thumbnailKey, thumbnailWidth } from "../../files/thumbnails.ts";
import type { Thumbnails } from "../../files/thumbnails.ts";
import { contentDisposition } from "../content-disposition.ts";
import type { RouteContext } from "../http-deps.ts";
import type { Operation } from "../openapi/operation.ts";
import { writeFileHeaders, writeRangeHeaders } from "../send-file.ts";

/** About 178 random bits: the address is the permission. */
const accessKeyForm = /^[A-Za-z0-9]{30}$/;
/** Eight groups of eight hexadecimal digits, 256 random bits. */
const outputFolderForm = /^[0-9a-f]{8}(-[0-9a-f]{8}){7}$/;
const outputNameForm = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

type Opened = NonNullable<Awaited<ReturnType<RouteContext["files"]["open"]>>>;

const query = z.object({
  w: textField("Asks for a thumbnail at least this wide, of a picture."),
  download: textField("Asks for the file to be saved, not shown."),
});
const bytes = { "*/*": "bytes" } as const;
const replies: Operation["replies"] = {
  200: { description: "The file.", content: bytes },
  206: { description: "The part that `Range` asks for.", content: bytes },
  304: { description: "The caller has it." },
  416: { description: "The range lies beyond the end.", content: bytes },
};
const about = { description: "The unguessable address is the permission.", tag: "Files", access: "open", query, replies } as const;
const fileOperation: Operation = {
  ...about,
  id: "file",
  summary: "The bytes of an upload or an output",
  path: { key: "The file's access key.", name: "The file's name." },
};
const outputOperation: Operation = {
  ...about,
  id: "output",
  summary: "The bytes of an output",
  path: { folder: "Eight groups of eight hexadecimal digits.", name: "The output's name." },
};

export function addStoredFileRoutes(app: FastifyInstance, context: RouteContext): void {
  const deps = { ...context, thumbnails: openThumbnails(context) };
  app.get<{ Params: { key: string; name: string } }>("/v1/File/:key/:name", { config: { operation: fileOperation } }, async (request, reply) => {
    const { key, name } = request.params;
    const file = accessKeyForm.test(key) ? await selectFileByAccessKey(context.db, key) : undefined;
    // Under its own name only: nobody can make an address that calls it something else.
    if (file?.name !== name) throw new AtelierError("ROUTE_UNKNOWN");
    return sendStored(deps, file, { request, reply });
  });
  app.get<{ Params: { folder: string; name: string } }>("/outputs/:folder/:name", { config: { operation: outputOperation } }, async (request, reply) => {
    const { folder, name } = request.params;
    if (!outputFolderForm.test(folder) || !outputNameForm.test(name)) throw new AtelierError("ROUTE_UNKNOWN");
    const output = await selectOutputByFileKey(context.db, `${folder}/${name}`);
    if (!output) throw new AtelierError("ROUTE_UNKNOWN");
    return sendStored(deps, output, { request, reply });
  });
}

interface SendDeps extends Pick<RouteContext, "files"> {
  readonly thumbnails: Thumbnails;
}

/** The file or its thumbnail, whole or in part, or the news that the caller has it already. */
async function sendStored(
  deps: SendDeps,
  file: ReadableFile,
  exchange: { request: FastifyRequest; reply: FastifyReply },
): Promise<FastifyReply> {
  const { request, reply } = exchange;
  const { opened, facts } = await openAsked(deps, file, request);
  const { download } = request.query as Record<string, unknown>;
  reply.header("content-disposition", contentDisposition(file, { asked: download !== undefined }));
  const served = {
    ...facts,
    sizeBytes: opened.sizeBytes,
    // The bytes behind an address never change; one that is removed or expires is gone from here, not from every cache.
    cacheControl: "public, max-age=31536000, immutable",
  };
  if (writeFileHeaders(exchange, served)) return sendNothing(opened, reply);
  const range = writeRangeHeaders(exchange, served);
  if (range === "none") return sendNothing(opened, reply);
  if (request.method === "HEAD") {
    opened.stream.destroy();
    // Anything but a stream would be counted into the content length.
    return reply.send(Readable.from([]));
  }
  if (range === undefined) return reply.send(opened.stream);
  opened.stream.destroy();
  const part = await deps.files.open(facts.fileKey, range);
  if (!part) throw new AtelierError("ROUTE_UNKNOWN");
  return reply.send(part.stream);
}

/** With `?w=`, a thumbnail where one can be made; otherwise the file itself. */
async function openAsked(
  { files, thumbnails }: SendDeps,
  file: ReadableFile,
  request: FastifyRequest,
): Promise<{ opened: Opened; facts: { contentType: string; version: string; fileKey: string } }> {
  const widthPixels = widthIn(request);
  if (widthPixels !== undefined && readablePictures.includes(file.contentType)) {
    const small = await thumbnails.open(file.fileKey, widthPixels);
    const facts = { contentType: "image/webp", version: `${file.id}-w${widthPixels}`, fileKey: thumbnailKey(file.fileKey, widthPixels) };
    if (small) return { opened: small, facts };
  }
  const opened = await files.open(file.fileKey);
  if (!opened) throw new AtelierError("ROUTE_UNKNOWN");
  return { opened, facts: { contentType: file.contentType, version: file.id, fileKey: file.fileKey } };
}

function widthIn(request: FastifyRequest): number | undefined {
  // The framework's parser gives an object of text and lists.
  const { w } = request.query as Record<string, unknown>;
  return typeof w === "string" && /^[1-9][0-9]{0,4}$/.test(w) ? thumbnailWidth(Number(w)) : undefined;
}

function sendNothing(opened: Opened, reply: FastifyReply): FastifyReply {
  opened.stream.destroy();
  return reply.send();
}
