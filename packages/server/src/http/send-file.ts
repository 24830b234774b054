// Headers that files are served with, and whether the caller has them already.

import type { FastifyReply, FastifyRequest } from "fastify";

export interface FileFacts {
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Names these bytes: another value means other bytes. */
  readonly version: string;
  readonly cacheControl: string;
}

/** Sets the headers of a file. True when the caller's copy is still good: status 304 is set, and nothing is to be sent. */
export function writeFileHeaders(exchange: { request: FastifyRequest; reply: FastifyReply }, file: FileFacts): boolean {
  const { request, reply } = exchange;
  const etag = `"${file.version}"`;
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

function hasCopy(ifNoneMatch: string | undefined, etag: string): boolean {
  const known = (ifNoneMatch ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return known.includes(etag) || known.includes("*");
}
