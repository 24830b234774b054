// The worker API of a world's tasks on a port of its own. Several of them on one world are several servers that share a
// database and a file store.

import { join } from "node:path";

import { fastify } from "fastify";

import { leaveBodiesUnread } from "../../packages/server/src/http/content-type.ts";
import { sendFailure } from "../../packages/server/src/http/failure.ts";
import { addWorkerApi } from "../../packages/server/src/http/worker-api/worker-api.ts";
import { openLog } from "../../packages/server/src/log.ts";
import type { TaskWorld } from "./task-world.ts";

export interface Answered {
  readonly method: string;
  readonly url: string;
  /** Of a piece of an upload. */
  readonly offset: string | undefined;
  readonly status: number;
}

export interface WorkerServer {
  readonly url: string;
  /** What was asked and answered, in order. */
  readonly answered: Answered[];
  /** Called when a request comes in, before its body. */
  onRequest: (request: { method: string; url: string; offset: string | undefined }) => void;
  close(): Promise<void>;
}

/** Closed with its world. */
export async function serveWorkers(world: TaskWorld, name = "server"): Promise<WorkerServer> {
  const log = openLog({ level: "silent", pretty: false });
  const app = fastify({ forceCloseConnections: true });
  const answered: Answered[] = [];
  const server = { url: "", answered, onRequest: () => undefined, close: async () => void (await app.close()) };
  const about = (request: { method: string; url: string; headers: Record<string, unknown> }) => ({
    method: request.method,
    url: request.url,
    // Header values of these requests are text.
    offset: request.headers["upload-offset"] as string | undefined,
  });
  app.setErrorHandler((error, request, reply) => sendFailure(log, error, { request, reply }));
  app.addHook("onRequest", async (request) => (server as WorkerServer).onRequest(about(request)));
  app.addHook("onResponse", async (request, reply) => void answered.push({ ...about(request), status: reply.statusCode }));
  leaveBodiesUnread(app);
  addWorkerApi(app, { ...world, version: "0.0.0", scratchFolder: join(world.folder, `scratch-${name}`) });
  server.url = await app.listen({ host: "127.0.0.1", port: 0 });
  world.onClose(server.close);
  return server;
}
