import { randomUUID } from "node:crypto";

import { createWorkerToken } from "../../packages/server/src/projects/worker-tokens.ts";
import { openHttpTaskSource } from "../../packages/server/src/worker/http-source/http-task-source.ts";
import { exerciseTaskSource } from "./exercise-task-source.ts";
import type { TaskWorld } from "./task-world.ts";
import { serveWorkers } from "./worker-server.ts";

const servers = new WeakMap<TaskWorld, Promise<{ url: string; token: string }>>();

async function serve(world: TaskWorld): Promise<{ url: string; token: string }> {
  const { url } = await serveWorkers(world);
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
