import { randomUUID } from "node:crypto";
import { join } from "node:path";

import { fastify } from "fastify";

import { sendFailure } from "../../packages/server/src/http/failure.ts";
import { leaveBodiesUnread } from "../../packages/server/src/http/content-type.ts";
import { addWorkerApi } from "../../packages/server/src/http/worker-api/worker-api.ts";
import { openLog } from "../../packages/server/src/log.ts";
import { createWorkerToken } from "../../packages/server/src/projects/worker-tokens.ts";
import { openHttpTaskSource } from "../../packages/server/src/worker/http-source/http-task-source.ts";
import { exerciseTaskSource } from "./exercise-task-source.ts";
import type { TaskWorld } from "./task-world.ts";

const servers = new WeakMap<TaskWorld, Promise<{ url: string; token: string }>>();

async function serve(world: TaskWorld): Promise<{ url: string; token: string }> {
  const log = openLog({ level: "silent", pretty: false });
  const app = fastify();
  app.setErrorHandler((error, request, reply) => sendFailure(log, error, { request, reply }));
  leaveBodiesUnread(app);
  addWorkerApi(app, { ...world, log, version: "0.0.0", uploadFolder: join(world.folder, "uploads") });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  world.onClose(() => app.close());
  return { url, token: (await createWorkerToken(world, "tests")).token };
}

exerciseTaskSource({
  async open(world) {
    const server = servers.get(world) ?? serve(world);
    servers.set(world, server);
    const onRefused = (error: Error): void => {
      throw error;
    };
    const source = openHttpTaskSource({ ...(await server), workerId: randomUUID(), onRefused });
    world.onClose(() => source.close());
    return source;
  },
});
