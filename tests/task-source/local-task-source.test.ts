import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import { createTask } from "../../packages/server/src/tasks/create-task.ts";
import { openLocalTaskSource } from "../../packages/server/src/tasks/local-task-source.ts";
import { openNewTaskLine } from "../../packages/server/src/tasks/new-task-line.ts";
import { exerciseTaskSource } from "./exercise-task-source.ts";
import { manifest, openTaskWorld, testModel } from "./task-world.ts";

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

test("a task that ended well keeps its outputs though its end was answered as refused", async () => {
  const world = await openTaskWorld();
  try {
    const finish: typeof world.reports.finish = async (fence, end) => {
      await world.reports.finish(fence, end);
      return false;
    };
    const source = openLocalTaskSource({ ...world, reports: { ...world.reports, finish } }, randomUUID());
    const { id } = await world.run();
    const [task] = await source.claim({ models: [testModel], free: 1, held: [] }, new AbortController().signal);
    if (!task) throw new Error("nothing was claimed");
    const path = join(world.folder, "drawn.png");
    await writeFile(path, "a picture");
    const statuses = ["task_preprocess_start", "task_preprocess_end", "task_assign", "task_start", "task_output_full", "task_end", "task_postprocess_start"] as const;
    const reports = statuses.map((status) => ({ status }));
    const run = { reports, outputs: [{ index: 0, path, contentType: "image/png" }], debugOutput: "", provenance: {} };
    expect(await source.finish(task, run)).toBe(true);
    const output = (await world.task(id))?.outputs[0];
    expect(await world.storedFiles()).toEqual([output?.name]);
  } finally {
    await world.close();
  }
});

test("runs that share a statement become tasks each for itself, whatever their projects are", async () => {
  const world = await openTaskWorld();
  try {
    const { rows } = await world.db.query<{ id: string }>(
      `insert into projects (uuid, name, auth, waiting_limit, budget) values (gen_random_uuid(), 'full', 'key', 0, null),
         (gen_random_uuid(), 'spent', 'key', null, 0), (gen_random_uuid(), 'roomy', 'key', 5, null) returning id`,
    );
    const newTasks = openNewTaskLine(world);
    const run = (projectId: string) =>
      createTask({ db: world.db, newTasks }, { projectId, model: manifest, parameters: {}, input: {}, callbackUrl: "" });
    const projects = [world.projectId, ...rows.map((row) => row.id), "999999", world.projectId];
    const outcomes = await Promise.allSettled(projects.map(run));
    const codes = outcomes.map((outcome) => (outcome.status === "fulfilled" ? "created" : ((outcome.reason as { code?: string }).code ?? String(outcome.reason))));
    expect(codes).toEqual(["created", "OPEN_TASKS_LIMIT", "BUDGET_SPENT", "created", "Error: there is no project 999999", "created"]);
    expect((await world.db.query("select project_id from tasks")).rowCount).toBe(3);
  } finally {
    await world.close();
  }
});
