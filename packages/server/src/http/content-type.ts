// Keeps the framework from judging bodies by their label: it refuses labels that it cannot parse, and many clients' lie.

import type { FastifyInstance, FastifyRequest } from "fastify";

declare module "fastify" {
  interface FastifyRequest {
    [sentType]?: string;
  }
}

/** A property, and no WeakMap, for the reason in visit.ts. */
const sentType: unique symbol = Symbol("sent content type");

/** From now on every body arrives unread, whatever its content type; `readFields` looks at the bytes. */
export function leaveBodiesUnread(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null, undefined));
  app.decorateRequest(sentType, undefined);
  app.addHook("onRequest", (request, _reply, done) => {
    request[sentType] = request.headers["content-type"] ?? "";
    request.headers["content-type"] = "application/octet-stream";
    done();
  });
}

/** The content type that the caller wrote, or "". */
export function sentContentType(request: FastifyRequest): string {
  return request[sentType] ?? "";
}
