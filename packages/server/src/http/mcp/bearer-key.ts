// MCP clients can send only `Authorization: Bearer KEY` or `KEY:SECRET` (contract, "MCP"): read as the headers of every client.

import type { FastifyInstance } from "fastify";

import { sign } from "../authenticate.ts";

export const mcpPath = "/mcp";

/** For `/mcp` alone, and before requests are counted: from here on the request looks like any other of its key. */
export function acceptBearerKeys(app: FastifyInstance): void {
  app.addHook("onRequest", (request, _reply, done) => {
    const { headers } = request.raw;
    const [, apiKey, , apiSecret] = /^Bearer +([^\s:]+)(:(\S+))?$/i.exec(headers.authorization ?? "") ?? [];
    if (request.routeOptions.url === mcpPath && apiKey !== undefined && headers["x-api-key"] === undefined) {
      headers["x-api-key"] = apiKey;
      if (apiSecret !== undefined) {
        const nonce = String(Date.now());
        Object.assign(headers, { "x-nonce": nonce, "x-signature": sign({ apiKey, apiSecret, nonce }) });
      }
    }
    done();
  });
}
