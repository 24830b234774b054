// Lets pages on other origins call the API and show outputs (docs/wire-contract.md, "Transport").

import type { FastifyInstance } from "fastify";

const preflightHeaders = {
  "access-control-allow-methods": "GET, HEAD, POST, OPTIONS",
  "access-control-allow-headers": [
    ...["content-type", "authorization", "x-api-key", "x-nonce", "x-signature"],
    ...["x-signature-v2", "x-timestamp", "x-content-sha256"],
    ...["idempotency-key", "mcp-protocol-version", "mcp-session-id"],
    ...["range", "if-range", "if-none-match", "last-event-id"],
  ].join(", "),
  "access-control-max-age": "86400",
};

/** What a page on another origin may read of an answer. */
const exposedHeaders = "x-request-id, retry-after, etag, accept-ranges, content-range, content-length, content-disposition";

/** Any origin may call: a request is allowed by the key it carries, never by cookies, so a foreign page gains nothing. */
export function addCrossOriginAccess(app: FastifyInstance): void {
  app.addHook("onRequest", (_request, reply, done) => {
    reply.header("access-control-allow-origin", "*").header("access-control-expose-headers", exposedHeaders);
    done();
  });
  app.options("/*", (_request, reply) => reply.headers(preflightHeaders).status(204).send());
}
