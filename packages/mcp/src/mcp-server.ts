// The thirteen tools as an MCP server, and its answer to one request over HTTP.

import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";

import { explore, getModelSchema, recommendModel, searchModels } from "./model-tools.ts";
import { searchDocs, uploadFile } from "./other-tools.ts";
import { cancelTask, getTask, getTaskPrice, killTask, listTasks, runModel, waitForTask } from "./task-tools.ts";
import type { ToolContext } from "./tool.ts";

const models = [searchModels, getModelSchema, recommendModel, explore];
const tasks = [runModel, waitForTask, getTask, listTasks, getTaskPrice, cancelTask, killTask];

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: string;
}

export interface McpContext extends ToolContext {
  readonly version: string;
}

/** Answers one message; nothing is kept between two. `message`: undefined where what came is no JSON. `protocolVersion`: the header that the client sent, if any. */
export async function answerMessage(
  context: McpContext,
  { message, protocolVersion }: { message: unknown; protocolVersion: string | undefined },
): Promise<HttpAnswer> {
  if (message === undefined) return refusal(-32700, "Parse error: the body must be JSON in UTF-8, uncompressed and of bounded size.");
  // Batches are no longer part of MCP (revision 2025-06-18, "Transports": the body is a single message).
  if (!JSONRPCMessageSchema.safeParse(message).success) return refusal(-32600, "Invalid Request: the body must be one JSON-RPC 2.0 message, no batch.");
  const server = new McpServer({ name: "atelier", title: "Atelier", version: context.version });
  for (const tool of [...models, ...tasks, uploadFile, searchDocs]) tool.addTo(server, context);
  // No session id: stateless, so that any instance behind one address can answer.
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  // The SDK's own types differ under exactOptionalPropertyTypes.
  await server.connect(transport as Parameters<McpServer["connect"]>[0]);
  try {
    const headers = new Headers({ accept: "application/json, text/event-stream", "content-type": "application/json" });
    if (protocolVersion !== undefined) headers.set("mcp-protocol-version", protocolVersion);
    const request = new Request("http://localhost/mcp", { method: "POST", headers });
    const response = await transport.handleRequest(request, { parsedBody: message });
    return { status: response.status, contentType: response.headers.get("content-type") ?? undefined, body: await response.text() };
  } finally {
    await server.close();
  }
}

function refusal(code: number, message: string): HttpAnswer {
  return { status: 400, contentType: "application/json", body: JSON.stringify({ jsonrpc: "2.0", error: { code, message }, id: null }) };
}
