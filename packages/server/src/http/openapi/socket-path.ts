// The WebSocket in the document: OpenAPI knows the request that opens it, and the frames as a named schema.

import type { JsonObject } from "./components.ts";

const frames = [
  "Opens a WebSocket. The task token is the permission; no key is needed.",
  'The client sends `{"type":"task_info","tasktoken":"…"}` for each task that it follows, with `"afterseq": n` to start after event n.',
  "The server sends text frames of the schema `ServerFrame`, after a greeting.",
].join("\n\n");

const failure = { "application/json": { schema: { $ref: "#/components/schemas/Failure" } } };

export const socketPath: Readonly<Record<string, JsonObject>> = Object.freeze({
  "/v1": {
    get: {
      operationId: "socket",
      tags: ["Tasks"],
      summary: "Follow tasks live",
      description: frames,
      parameters: [
        { name: "Upgrade", in: "header", required: true, schema: { const: "websocket" } },
        { name: "Connection", in: "header", required: true, schema: { const: "Upgrade" } },
      ],
      responses: {
        "101": { description: "The connection is a WebSocket now." },
        "404": { description: "Not asked for as a WebSocket.", content: failure },
        "429": { description: "Too many requests.", content: failure },
        "503": { description: "No more sockets, or the server stops.", content: failure },
      },
      security: [],
      "x-frames": { $ref: "#/components/schemas/ServerFrame" },
    },
  },
});
