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

test("what a source claimed for free places goes back when claiming is stopped", async () => {
  const world = await openTaskWorld();
  try {
    const ids = [];
    for (let at = 0; at < 3; at += 1) ids.push((await world.run()).id);
    const source = openLocalTaskSource(world, randomUUID());
    const stop = new AbortController();
    const offer = { models: [testModel], free: 3, held: [] };
    const first = await source.claim(offer, stop.signal);
    expect(await world.task(ids[2] ?? "")).toMatchObject({ status: "task_accept" });
    stop.abort();
    const second = await source.claim(offer, stop.signal);
    expect([first?.taskId, second?.taskId]).toEqual([ids[0], ids[1]]);
    expect(await world.task(ids[2] ?? "")).toMatchObject({ status: "task_queue" });
    await source.close();
  } finally {
    await world.close();
  }
});
