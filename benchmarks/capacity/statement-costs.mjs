// What the statements of a task's life, and those that servers ask by the clock, cost PostgreSQL, when a task comes alone and when many
// share them.

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { announcePauseMs } from "@atelier/server/db/announcer";
import { selectLiveKeys } from "@atelier/server/db/queries/api-keys";
import { cancelOverdueTasks, killOverdueTasks } from "@atelier/server/db/queries/deadlines";
import { claimDelivery } from "@atelier/server/db/queries/deliveries";
import { selectNews } from "@atelier/server/db/queries/events";
import { claimTasks, failLostTasks, renewLeases, rescueTasks } from "@atelier/server/db/queries/leases";
import { finishTasks, moveTasks } from "@atelier/server/db/queries/moves-of-many";
import { insertTasks } from "@atelier/server/db/queries/new-tasks";
import { upsertWorker } from "@atelier/server/db/queries/workers";
import { limits } from "@atelier/server/limits";
import { createProject } from "@atelier/server/projects/create-project";
import { hashKey } from "@atelier/server/projects/credential";

import { databaseMs } from "./processor-time.mjs";

const workerId = "calibration";
const model = "benchmark/nothing";
const projects = 20;
const leaseMs = 3_600_000;
const begin = ["task_preprocess_start", "task_preprocess_end", "task_assign", "task_start"];
const end = ["task_output_full", "task_end", "task_postprocess_start"];

/** Tasks that wait at once: a queue that is kept up with is short. */
export const tasksOfWave = 64;

/** From one statement to the next. Servers leave them some time, in which sessions go to sleep and caches serve others. */
const pauseMs = 1;

export class StatementCosts {
  #db;
  #session;
  #folder;
  #projectIds = [];
  #keyHashes = [];
  /** How long answers have been waited for. */
  #askedMs = 0;

  /** `db` is for what is announced, `session` for all else: what a statement announces is a statement of its own. */
  constructor({ db, session }, folder) {
    this.#db = db;
    this.#session = {
      query: async (...statement) => {
        await delay(pauseMs);
        const askedAt = performance.now();
        const answer = await session.query(...statement);
        this.#askedMs += performance.now() - askedAt;
        return answer;
      },
    };
    this.#folder = folder;
  }

  async open() {
    const deps = { db: this.#db, masterKey: randomBytes(32) };
    for (let number = 0; number < projects; number += 1) {
      const { projectid, apikey } = await createProject(deps, { name: `calibration-${number}`, auth: "key" });
      this.#projectIds.push(projectid);
      this.#keyHashes.push(hashKey(apikey));
    }
  }

  /** Lives of one wave of tasks, `size` of them in each statement. Returns milliseconds of each kind of statement. */
  async wave(size) {
    const costs = {};
    const measure = async (kind, work) => (costs[kind] = (costs[kind] ?? 0) + (await databaseMs(this.#folder, work)) / (tasksOfWave / size));
    const batches = Array.from({ length: tasksOfWave / size }, () => size);
    const each = (kind, work) => measure(kind, async () => {
      for (const most of batches) await work(most);
    });
    await this.#clockwork(each);
    const held = await this.#begin({ measure, each });
    const ofHeld = (kind, work) => measure(kind, async () => {
      for (const tasks of held) await work(tasks);
    });
    await ofHeld("progress", (tasks) => this.#move(tasks, ["task_output"]));
    await ofHeld("look", (tasks) => selectNews(this.#session, tasks.map(({ id }) => ({ taskId: id, afterSeq: 1 + 1 + begin.length })), 100));
    await ofHeld("heartbeat", (tasks) => renewLeases(this.#session, { workerId, leaseMs, held: tasks.map(({ id, attempt }) => ({ id, attempt })) }));
    await ofHeld("finish", (tasks) => finishTasks(this.#session, tasks.map((task) => ({ fence: fenceOf(task), finish: finishOf() }))));
    await each("emptyClaim", (most) => claimTasks(this.#session, { workerId, models: [model], leaseMs }, most));
    return costs;
  }

  /** Tasks up to their first step. */
  async #begin({ each, measure }) {
    await each("key", (most) => selectLiveKeys(this.#session, Array.from({ length: most }, (_, at) => this.#keyHashes[at % projects])));
    await each("submit", (most) => insertTasks(this.#session, Array.from({ length: most }, () => this.#newTask())));
    const held = [];
    await each("claim", async (most) => held.push(await claimTasks(this.#session, { workerId, models: [model], leaseMs }, most)));
    if (held.flat().length !== tasksOfWave) throw new Error(`${held.flat().length} of ${tasksOfWave} tasks were claimed`);
    await measure("begin", async () => {
      for (const tasks of held) await this.#move(tasks, begin);
    });
    return held;
  }

  /** What servers and workers ask whether or not there is a task. */
  async #clockwork(each) {
    const [session, bounds] = [this.#session, { lostLeases: limits.lostLeases, most: limits.rescueBatch, leaseMs: limits.leaseMs }];
    await each("rescue", async () => {
      await session.query("select 1");
      await failLostTasks(session, bounds);
      await rescueTasks(session, bounds);
    });
    await each("deadlines", async () => {
      await cancelOverdueTasks(session, limits.deadlineBatch);
      await killOverdueTasks(session, limits.deadlineBatch);
    });
    await each("delivery", () => claimDelivery(this.#session, { leaseMs, exceptProjects: [] }));
    await each("presence", () => upsertWorker(this.#session, { workerId, models: [model], places: 1 }));
    await each("announce", async (most) => {
      this.#db.announce("atelier_calibration", Array.from({ length: most }, (_, number) => String(number)));
      await delay(announcePauseMs(1) + pauseMs);
    });
  }

  /** From a statement to the next step of who asked it, less what it takes PostgreSQL's processor: the ways there and back, and waking. Of the
   *  statement that looks keys up: it waits for no disk. */
  async answerMs() {
    this.#askedMs = 0;
    const busyMs = await databaseMs(this.#folder, async () => {
      for (let at = 0; at < tasksOfWave; at += 1) await selectLiveKeys(this.#session, [this.#keyHashes[at % projects]]);
    });
    return Math.max(0, this.#askedMs - busyMs) / tasksOfWave;
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

  async #move(tasks, statuses) {
    const moves = statuses.map((to) => ({ to, data: { step: 1, stepTotal: 30 } }));
    await moveTasks(this.#session, tasks.map((task) => ({ fence: fenceOf(task), moves })));
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
