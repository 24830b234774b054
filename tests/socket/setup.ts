// Listening servers, a worker with the fake engine, and a key, on a database of their own.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { fastify } from "fastify";
import type { FastifyInstance } from "fastify";

import { openDatabase } from "../../packages/server/src/db/database.ts";
import type { Database } from "../../packages/server/src/db/database.ts";
import { createTestDatabase } from "../../packages/server/src/db/test-database.ts";
import { openEventFeed } from "../../packages/server/src/events/event-feed.ts";
import { openDiskStore } from "../../packages/server/src/files/disk-store.ts";
import { leaveBodiesUnread } from "../../packages/server/src/http/content-type.ts";
import { sendFailure } from "../../packages/server/src/http/failure.ts";
import type { RouteContext } from "../../packages/server/src/http/http-deps.ts";
import { addRunSyncRoute } from "../../packages/server/src/http/routes/run-sync.ts";
import type { SyncLimits } from "../../packages/server/src/http/routes/run-sync.ts";
import { addTaskEventsRoute } from "../../packages/server/src/http/routes/task-events.ts";
import type { EventStreamLimits } from "../../packages/server/src/http/routes/task-events.ts";
import { checkReplies } from "../../packages/server/src/http/openapi/check-replies.ts";
import { buildServer } from "../../packages/server/src/http/server.ts";
import type { SocketLimits } from "../../packages/server/src/http/socket-session.ts";
import { addSocket } from "../../packages/server/src/http/socket.ts";
import { addVisits, openAccess } from "../../packages/server/src/http/visit.ts";
import { limits } from "../../packages/server/src/limits.ts";
import { openLog } from "../../packages/server/src/log.ts";
import { loadModels } from "../../packages/server/src/models/registry.ts";
import { createProject } from "../../packages/server/src/projects/create-project.ts";
import { openProjectDoor } from "../../packages/server/src/projects/project-door.ts";
import { openOutbound } from "../../packages/server/src/outbound/outbound.ts";
import { SocketClient } from "./client.ts";
import { fakeManifest } from "./fake-manifest.ts";
import { startFakeWorker } from "./fake-worker.ts";

export const publicUrl = "https://pictures.example";

export interface Started {
  readonly taskid: string;
  readonly socketaccesstoken: string;
}

export interface Listening {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly port: number;
  connect(): Promise<SocketClient>;
}

/** `changes`: to the manifest of its one model. */
export async function startWorld(changes: object = {}) {
  const cleanups: (() => Promise<unknown>)[] = [];
  const { db, address, drop } = await createTestDatabase();
  cleanups.push(drop);
  const folder = await mkdtemp(join(tmpdir(), "atelier-socket-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "fake.json"), JSON.stringify({ ...fakeManifest, ...changes }));
  const models = await loadModels([folder]);
  const log = openLog({ level: "silent", pretty: false });
  const files = openDiskStore(join(folder, "files"));
  const keys = { db, masterKey: Buffer.alloc(32, 1) };
  const project = await createProject(keys, { name: "socket", auth: "key" });
  const headers = { "x-api-key": project.apikey, "content-type": "application/json" };

  const contextOn = (pool: Database): RouteContext => {
    const events = openEventFeed({ db: pool, log });
    cleanups.push(async () => events.stop());
    return {
      db: pool,
      models,
      files,
      tempFolder: folder,
      events,
      log,
      publicUrl: () => publicUrl,
      projects: openProjectDoor({ ...keys, db: pool }),
      access: openAccess,
      outbound: openOutbound(),
      installation: { dir: folder, version: "0.0.0" },
      isReady: async () => true,
      hasRoom: async () => true,
    };
  };
  const context = contextOn(db);

  /** Also cuts connections that a client opened and never used. */
  const close = async (app: FastifyInstance): Promise<void> => {
    const closed = app.close();
    app.server.closeAllConnections();
    await closed;
  };
  const listen = async (app: FastifyInstance): Promise<Listening> => {
    cleanups.push(() => close(app));
    await app.listen({ host: "127.0.0.1", port: 0 });
    // A listening TCP server has an address with a port.
    const { port } = app.server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    return { app, url, port, connect: () => SocketClient.connect(`ws://127.0.0.1:${port}/v1`) };
  };
  let paths = 0;
  const wrongReplies: string[][] = [];
  const build = (of: RouteContext): FastifyInstance => {
    const app = buildServer(of);
    wrongReplies.push(checkReplies(app));
    return app;
  };
  const streaming = (changes: Partial<EventStreamLimits>): FastifyInstance => {
    const app = fastify();
    addVisits(app, context);
    app.setErrorHandler((error, request, reply) => sendFailure(log, error, { request, reply }));
    addTaskEventsRoute(app, context, { ...limits, ...changes });
    return app;
  };
  const server = await listen(build(context));

  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await fetch(server.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    return (await answer.json()) as Record<string, unknown>;
  };
  return {
    db,
    server,
    headers,
    post,
    run: async (body: object = {}): Promise<Started> => (await post("/v1/Run/test/fake", body)) as unknown as Started,
    /** The task as Detail shows it now. */
    async detail(taskid: string): Promise<Record<string, unknown>> {
      const { tasklist } = (await post("/v1/Task/Detail", { taskid })) as { tasklist: Record<string, unknown>[] };
      return tasklist[0] ?? {};
    },
    /** Another server on the same database. */
    async listenBeside(): Promise<Listening> {
      const pool = openDatabase({ log }, address);
      cleanups.push(() => pool.close());
      return listen(build(contextOn(pool)));
    },
    /** A server with nothing but the socket, and limits of its own. */
    listenWithin: (changes: Partial<SocketLimits>): Promise<Listening> => {
      const app = fastify();
      addSocket(app, { ...context, admitSocket: addVisits(app, context) }, { ...limits, ...changes });
      return listen(app);
    },
    /** The same on a Unix socket, for which the kernel keeps 0.2 MB instead of up to 10. */
    async listenNarrow(changes: Partial<SocketLimits>): Promise<Pick<Listening, "app" | "connect">> {
      const app = fastify();
      addSocket(app, { ...context, admitSocket: addVisits(app, context) }, { ...limits, ...changes });
      cleanups.push(() => close(app));
      const path = join(folder, `${++paths}.sock`);
      await app.listen({ path });
      return { app, connect: () => SocketClient.connect(`ws+unix://${path}:/v1`) };
    },
    /** A server with nothing but the held run, and limits of its own. */
    listenHolding: (changes: Partial<SyncLimits>): Promise<Listening> => {
      const app = fastify();
      leaveBodiesUnread(app);
      addVisits(app, context);
      app.setErrorHandler((error, request, reply) => sendFailure(log, error, { request, reply }));
      addRunSyncRoute(app, context, { ...limits, ...changes });
      return listen(app);
    },
    /** A server with nothing but the event streams, and limits of its own. */
    listenStreaming: (changes: Partial<EventStreamLimits>): Promise<Listening> => listen(streaming(changes)),
    /** The same on a Unix socket, whose path is returned. */
    async listenStreamingNarrow(changes: Partial<EventStreamLimits>): Promise<string> {
      const app = streaming(changes);
      cleanups.push(() => close(app));
      const path = join(folder, `${++paths}.sock`);
      await app.listen({ path });
      return path;
    },
    async work(slots = 1): Promise<void> {
      const worker = await startFakeWorker({ db, context, models: models.list(), folder, slots });
      cleanups.push(worker.stop);
    },
    /** Throws when a reply or a frame was not as `/openapi.json` says. */
    async stop(): Promise<void> {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
      const wrong = [...wrongReplies.flat(), ...SocketClient.wrongFrames];
      if (wrong.length > 0) throw new Error(`differ from /openapi.json:\n${wrong.slice(0, 5).join("\n")}`);
    },
  };
}

export type World = Awaited<ReturnType<typeof startWorld>>;
