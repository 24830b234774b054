// Headers that files are served with, and what of a file the caller still needs.

import type { FastifyReply, FastifyRequest } from "fastify";

import { byteRangeOf } from "./byte-range.ts";
import type { ByteRange } from "./byte-range.ts";

export interface FileFacts {
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Names these bytes: another value means other bytes. */
  readonly version: string;
  readonly cacheControl: string;
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Sets the headers of a file. True when the caller's copy is still good: status 304 is set, and nothing is to be sent. */
export function writeFileHeaders({ request, reply }: Exchange, file: FileFacts): boolean {
  const etag = etagOf(file);
  reply.headers({
    etag,
    "cache-control": file.cacheControl,
    // A file is shown or saved, never run: no script in it may act on this origin.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
  });
  if (hasCopy(request.headers["if-none-match"], etag)) {
    reply.status(304);
    return true;
  }
  reply.headers({ "content-type": file.contentType, "content-length": file.sizeBytes });
  return false;
}

/** After `writeFileHeaders`: the part to send, "none" where the range lies beyond the file (status 416 is set), undefined
 *  for all of it. */
export function writeRangeHeaders({ request, reply }: Exchange, file: FileFacts): ByteRange | "none" | undefined {
  reply.header("accept-ranges", "bytes");
  const range = isStillMeant(request, file) ? byteRangeOf(request.headers.range, file.sizeBytes) : undefined;
  if (range === undefined) return undefined;
  if (range === "unsatisfiable") {
    reply.status(416).headers({ "content-range": `bytes */${file.sizeBytes}`, "content-length": 0 });
    return "none";
  }
  const { start, end } = range;
  reply.status(206).headers({ "content-range": `bytes ${start}-${end}/${file.sizeBytes}`, "content-length": end - start + 1 });
  return range;
}

/** A range that was meant for other bytes is answered with the whole file. A date never matches: files have none here. */
function isStillMeant(request: FastifyRequest, file: FileFacts): boolean {
  const condition = request.headers["if-range"];
  return condition === undefined || condition === etagOf(file);
}

function etagOf({ version }: FileFacts): string {
  return `"${version}"`;
}

function hasCopy(ifNoneMatch: string | undefined, etag: string): boolean {
  const known = (ifNoneMatch ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return known.includes(etag) || known.includes("*");
}
