import { randomUUID } from "node:crypto";

import { expect, test } from "vitest";

import { AtelierError } from "../../packages/server/src/errors.ts";
import { createWorkerToken } from "../../packages/server/src/projects/worker-tokens.ts";
import { openHttpTaskSource } from "../../packages/server/src/worker/http-source/http-task-source.ts";
import { exerciseTaskSource } from "./exercise-task-source.ts";
import { openTaskWorld, testModel } from "./task-world.ts";
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

test("a repeated report whose first try is committed just before it is held, not lost", async () => {
  const world = await openTaskWorld();
  try {
    let calls = 0;
    const move: TaskWorld["reports"]["move"] = async (report) => {
      calls += 1;
      if (calls === 1) throw new AtelierError("SERVER_UNAVAILABLE");
      // The first try, late.
      const moves = [...report.moves];
      await world.reports.move({ ...report, moves });
      return world.reports.move({ ...report, moves });
    };
    const { url, token } = await serve({ ...world, reports: { ...world.reports, move } });
    const source = openHttpTaskSource({ url, token, workerId: randomUUID(), onRefused: () => undefined });
    world.onClose(() => source.close());
    await world.run();
    const [task] = await source.claim({ models: [testModel], free: 1, held: [] }, new AbortController().signal);
    if (!task) throw new Error("nothing was claimed");
    expect(await source.report(task, [{ status: "task_preprocess_start" }])).toBe(true);
    expect(calls).toBe(2);
  } finally {
    await world.close();
  }
});
