import { randomUUID } from "node:crypto";

import { expect, test } from "vitest";

import { openLocalTaskSource } from "../../packages/server/src/tasks/local-task-source.ts";
import { exerciseTaskSource } from "./exercise-task-source.ts";
import { openTaskWorld, testModel } from "./task-world.ts";

exerciseTaskSource({
  async open(world) {
    return openLocalTaskSource(world, randomUUID());
  },
});

test("a source gives as many tasks at once as there are free places", async () => {
  const world = await openTaskWorld();
  try {
    const ids: string[] = [];
    for (let at = 0; at < 4; at += 1) ids.push((await world.run()).id);
    const source = openLocalTaskSource(world, randomUUID());
    const offer = { models: [testModel], free: 3, held: [] };
    const claimed = await source.claim(offer, new AbortController().signal);
    expect(claimed.map(({ taskId }) => taskId)).toEqual(ids.slice(0, 3));
    expect(await world.task(ids[3] ?? "")).toMatchObject({ status: "task_queue" });
    await source.close();
  } finally {
    await world.close();
  }
});
