// What the statements of a task's life cost PostgreSQL when a task comes alone and when many share them.

import { randomBytes } from "node:crypto";

import { selectNews } from "@atelier/server/db/queries/events";
import { claimTasks, renewLeases } from "@atelier/server/db/queries/leases";
import { finishTasks, moveTasks } from "@atelier/server/db/queries/moves-of-many";
import { insertTasks } from "@atelier/server/db/queries/new-tasks";

import { databaseMs } from "./processor-time.mjs";

const workerId = "calibration";
const model = "benchmark/nothing";
const projects = 20;
const leaseMs = 3_600_000;
const begin = ["task_preprocess_start", "task_preprocess_end", "task_assign", "task_start"];
const end = ["task_output_full", "task_end", "task_postprocess_start"];

/** Tasks that wait at once: a queue that is kept up with is short. */
export const tasksOfWave = 64;

export class StatementCosts {
  #db;
  #folder;
  #projectIds = [];

  constructor(db, folder) {
    this.#db = db;
    this.#folder = folder;
  }

  async open() {
    const { rows } = await this.#db.query(
      `insert into projects (uuid, name, auth) select gen_random_uuid(), 'calibration', 'key' from generate_series(1, $1) returning id`,
      [projects],
    );
    this.#projectIds = rows.map(({ id }) => id);
  }

  /** Lives of one wave of tasks, `size` of them in each statement. Returns milliseconds of each kind of statement. */
  async wave(size) {
    const costs = {};
    const measure = async (kind, work) => (costs[kind] = (costs[kind] ?? 0) + (await databaseMs(this.#folder, work)) / (tasksOfWave / size));
    const batches = Array.from({ length: tasksOfWave / size }, () => size);
    const held = [];
    await measure("submit", async () => {
      for (const most of batches) await insertTasks(this.#db, Array.from({ length: most }, () => this.#newTask()));
    });
    await measure("claim", async () => {
      for (const most of batches) held.push(await claimTasks(this.#db, { workerId, models: [model], leaseMs }, most));
    });
    if (held.flat().length !== tasksOfWave) throw new Error(`${held.flat().length} of ${tasksOfWave} tasks were claimed`);
    await measure("begin", () => this.#move(held, begin));
    await measure("progress", () => this.#move(held, ["task_output"]));
    await measure("look", async () => {
      for (const tasks of held) await selectNews(this.#db, tasks.map(({ id }) => ({ taskId: id, afterSeq: 1 + 1 + begin.length })), 100);
    });
    await measure("heartbeat", async () => {
      for (const tasks of held) await renewLeases(this.#db, { workerId, leaseMs, held: tasks.map(({ id, attempt }) => ({ id, attempt })) });
    });
    await measure("finish", async () => {
      for (const tasks of held) await finishTasks(this.#db, tasks.map((task) => ({ fence: fenceOf(task), finish: finishOf() })));
    });
    await measure("emptyClaim", async () => {
      for (const most of batches) await claimTasks(this.#db, { workerId, models: [model], leaseMs }, most);
    });
    return costs;
  }

  /** Claims of one task each that so many askers get through in a second: each waits for its commit. */
  async claimsPerSecond(askers, tasks) {
    for (let left = tasks; left > 0; left -= tasksOfWave) {
      await insertTasks(this.#db, Array.from({ length: Math.min(left, tasksOfWave) }, () => this.#newTask()));
    }
    let claimed = 0;
    const ask = async () => {
      while (claimed < tasks) {
        const taken = await claimTasks(this.#db, { workerId, models: [model], leaseMs }, 1);
        claimed += taken.length;
      }
    };
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: askers }, ask));
    return Math.round(tasks / ((performance.now() - startedAt) / 1_000));
  }

  async #move(held, statuses) {
    const moves = statuses.map((to) => ({ to, data: { step: 1, stepTotal: 30 } }));
    for (const tasks of held) await moveTasks(this.#db, tasks.map((task) => ({ fence: fenceOf(task), moves })));
  }

  #newTask() {
    const [projectId] = this.#projectIds.splice(0, 1);
    this.#projectIds.push(projectId);
    const input = { prompt: "An empress in a crimson gown", steps: 30, scale: 7.5, seed: 1, width: 64, height: 64, samples: 1 };
    const names = { token: hex(16), model, modelId: "1", outputFolderId: hex(16) };
    return { projectId, ...names, parameters: { prompt: input.prompt }, input, callbackUrl: "", cps: "0.000585000000" };
  }
}

function fenceOf({ id, attempt }) {
  return { taskId: id, attempt, workerId };
}

function finishOf() {
  const output = { id: hex(16), position: 0, name: "0.png", contentType: "image/png", sizeBytes: 100_000, accessKey: hex(15), fileKey: `${hex(16)}/0.png` };
  return { moves: end.map((to) => ({ to })), outputs: [output], debugOutput: "", provenance: { variant: "nothing" } };
}

function hex(bytes) {
  return randomBytes(bytes).toString("hex");
}
