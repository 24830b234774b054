// POST /mcp: the tools for assistants, over MCP's streamable HTTP without sessions (docs/mcp.md).

import { answerMessage } from "@atelier/mcp/mcp-server";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";

import { limits } from "../../limits.ts";
import { admit } from "../admitted-callers.ts";
import { authenticate } from "../authenticate.ts";
import { HeldPlaces, whenAborted } from "../held-places.ts";
import type { RouteContext } from "../http-deps.ts";
import type { Operation } from "../openapi/operation.ts";
import { visitOf } from "../visit.ts";
import { mcpPath } from "./bearer-key.ts";
import { openInjectedApi } from "./injected-api.ts";
import { readMessage } from "./mcp-message.ts";
import { openProjectDocs } from "./project-docs.ts";

const message = z.looseObject({ jsonrpc: z.literal("2.0") }).meta({ id: "McpMessage", description: "A JSON-RPC message of MCP." });
const request = message.extend({ method: z.string().optional(), params: z.looseObject({}).optional() }).meta({ id: "McpRequest" });

const operation: Operation = {
  id: "mcp",
  summary: "Tools for assistants: one message of MCP",
  description: "Streamable HTTP without sessions. The credentials may come as `Authorization: Bearer KEY` or `Bearer KEY:SECRET`.",
  tag: "MCP",
  access: "project",
  body: request,
  replies: {
    200: { description: "The answer.", content: { "application/json": message } },
    202: { description: "A notification was taken." },
    400: { description: "No JSON (-32700), or JSON that is not one message of MCP (-32600), batches included.", content: { "application/json": message } },
  },
};

const noStream: Operation = {
  id: "mcpStream",
  summary: "There is no stream of messages from the server",
  tag: "MCP",
  access: "open",
  replies: { 405: { description: "Use POST.", content: { "application/json": message } } },
};

/** A tool that waits holds its request as `/sync` does. */
export function addMcpRoute(app: FastifyInstance, context: RouteContext): void {
  const apiOf = openInjectedApi(app, context);
  const docs = openProjectDocs(context);
  const places = new HeldPlaces(limits.mcpRequests);
  app.addHook("preClose", async () => places.abortAll());
  app.post(mcpPath, { config: { operation } }, async (request, reply) => {
    const caller = await authenticate(context, request);
    const { signal } = places.take(reply.raw);
    const admission = admit(caller);
    whenAborted(signal, () => admission.end());
    const api = apiOf({ headers: { ...keyOf(request), ...admission.headers }, address: visitOf(request).address, signal });
    const docsUrl = `${context.publicUrl()}/llms.txt`;
    const message = await readMessage(request.raw);
    const onFault = (error: unknown): void => context.log.error({ err: error, requestId: request.id }, "mcp.fault");
    const tools = { api, docs, docsUrl, signal, onFault, version: context.installation.version };
    const answer = await answerMessage(tools, { message, protocolVersion: headerOf(request, "mcp-protocol-version") });
    if (answer.contentType !== undefined) reply.type(answer.contentType);
    return reply.status(answer.status).send(answer.body === "" ? undefined : answer.body);
  });
  app.get(mcpPath, { config: { operation: noStream } }, (_request, reply) => {
    const error = { code: -32000, message: "Method not allowed." };
    return reply.status(405).header("allow", "POST").send({ jsonrpc: "2.0", error, id: null });
  });
}

/** What a tool asks counts as requests of the same key. */
function keyOf(request: FastifyRequest): Record<string, string> {
  const key = headerOf(request, "x-api-key");
  return key === undefined ? {} : { "x-api-key": key };
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}
