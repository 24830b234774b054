// Seeded lives of tasks on the real SQL: workers that draw, crash, freeze and wake up, callers that cancel and kill.

import { cancelWaitingTask, killLeasedTask } from "../../packages/server/src/db/queries/endings.ts";
import { claimTask, failLostTasks, renewLeases, rescueTasks } from "../../packages/server/src/db/queries/leases.ts";
import { failTask, finishTask, moveTask, returnTask } from "../../packages/server/src/db/queries/moves.ts";
import type { Fence } from "../../packages/server/src/db/queries/moves.ts";
import { insertTask } from "../../packages/server/src/db/test-task.ts";
import type { Database } from "../../packages/server/src/db/database.ts";
import { drawHexId, drawOutputFolder, drawToken } from "../../packages/server/src/secret-text.ts";
import { seededRandom } from "./random.ts";
import type { SeededRandom } from "./random.ts";

/** A worker's view of one attempt. `frozen`: it does nothing until its lease has run out, then goes on as if nothing
 *  had happened. */
interface Attempt {
  readonly fence: Fence;
  step: number;
  frozen: boolean;
}

export interface Lives {
  /** Ids whose Run was acknowledged. */
  readonly acknowledged: string[];
  /** Reports that a fence refused. */
  refused: number;
  /** Reports of an attempt that no longer held its task, and yet changed it. Must stay empty. */
  readonly intrusions: string[];
}

const path = ["task_preprocess_start", "task_preprocess_end", "task_assign", "task_start"] as const;
const ending = ["task_output_full", "task_end", "task_postprocess_start"] as const;
const model = "test/fake";
const longLeaseMs = 3_600_000;

/** Runs `operations` random operations, then lets everything end. */
export async function simulateLives(
  db: Database,
  options: { projectIds: readonly string[]; seed: number; operations: number },
): Promise<Lives> {
  const world = new World(db, seededRandom(options.seed), options.projectIds);
  for (let count = 0; count < options.operations; count += 1) await world.operate();
  await world.settle();
  return world.lives;
}

class World {
  readonly lives: Lives = { acknowledged: [], refused: 0, intrusions: [] };
  readonly #db: Database;
  readonly #random: SeededRandom;
  readonly #projectIds: readonly string[];
  readonly #workerIds = ["w1", "w2", "w3"];
  #attempts: Attempt[] = [];

  constructor(db: Database, random: SeededRandom, projectIds: readonly string[]) {
    this.#db = db;
    this.#random = random;
    this.#projectIds = projectIds;
  }

  async operate(): Promise<void> {
    const dice = this.#random.below(100);
    if (dice < 14) await this.#submit();
    else if (dice < 28) await this.#claim();
    else if (dice < 82) await this.#work();
    else if (dice < 86) await this.#crashOrFreeze();
    else if (dice < 90) await this.#rescue();
    else if (dice < 93) await this.#heartbeat();
    else if (dice < 97) await killLeasedTask(this.#db, this.#anyTask());
    else await cancelWaitingTask(this.#db, this.#anyTask());
  }

  /** No more crashes: what waits is claimed and worked to its end. */
  async settle(): Promise<void> {
    for (;;) {
      await this.#expireAbandoned();
      await this.#rescue();
      while (await this.#claim()) continue;
      for (const attempt of [...this.#attempts]) {
        attempt.frozen = false;
        while (this.#attempts.includes(attempt)) await this.#advance(attempt);
      }
      const { rows } = await this.#db.query<{ open: string }>(
        `select count(*) as open from tasks where status not in ('task_postprocess_end', 'task_cancel')`,
      );
      if (rows[0]?.open === "0") return;
    }
  }

  async #submit(): Promise<void> {
    const projectId = this.#random.pick(this.#projectIds) ?? "";
    const id = await insertTask(this.#db, {
      projectId,
      token: drawToken(),
      model,
      modelId: "1",
      parameters: {},
      input: {},
      callbackUrl: "",
      cps: "0.000585000000",
      outputFolderId: drawHexId(),
    });
    this.lives.acknowledged.push(id);
  }

  async #claim(): Promise<boolean> {
    const workerId = this.#random.pick(this.#workerIds) ?? "";
    const task = await claimTask(this.#db, { workerId, models: [model], leaseMs: longLeaseMs });
    if (task) this.#attempts.push({ fence: { taskId: task.id, attempt: task.attempt, workerId }, step: 0, frozen: false });
    return task !== undefined;
  }

  async #work(): Promise<void> {
    const attempt = this.#random.pick(this.#attempts.filter((candidate) => !candidate.frozen));
    if (attempt) await this.#advance(attempt);
  }

  async #advance(attempt: Attempt): Promise<void> {
    const isHolder = await this.#isHolder(attempt.fence);
    const held = await this.#report(attempt);
    if (!isHolder && held !== "refused") {
      this.lives.intrusions.push(`attempt ${attempt.fence.attempt} of task ${attempt.fence.taskId} at step ${attempt.step}`);
    }
    attempt.step += 1;
    if (held === "going on") return;
    if (held === "refused") this.lives.refused += 1;
    this.#attempts = this.#attempts.filter((other) => other !== attempt);
  }

  async #report({ fence, step }: Attempt): Promise<"going on" | "ended" | "refused"> {
    const said = (held: boolean, otherwise: "going on" | "ended") => (held ? otherwise : "refused");
    const status = path[step];
    if (status) return said(await moveTask(this.#db, fence, { to: status, variant: "fake" }), "going on");
    if (step < path.length + 2) return said(await moveTask(this.#db, fence, { to: "task_output", data: { step } }), "going on");
    if (step === path.length + 2 && this.#random.chance(0.1)) {
      return said(await failTask(this.#db, fence, { pexit: "1", debugError: "drawn", debugOutput: "" }), "ended");
    }
    if (step === path.length + 2 && this.#random.chance(0.05)) {
      return said(await returnTask(this.#db, fence, { engineFailed: true, debugError: "crash" }), "ended");
    }
    const last = ending[step - path.length - 2];
    if (last) return said(await moveTask(this.#db, fence, { to: last }), "going on");
    return said(await finishTask(this.#db, fence, { outputs: oneOutput(), debugOutput: "", provenance: {} }), "ended");
  }

  /** A crashed worker forgets its attempts; a frozen one keeps them and reports too late. Both lose their lease. */
  async #crashOrFreeze(): Promise<void> {
    const attempt = this.#random.pick(this.#attempts);
    if (!attempt) return;
    if (this.#random.chance(0.5)) this.#attempts = this.#attempts.filter((other) => other !== attempt);
    else attempt.frozen = true;
    await this.#expire(attempt.fence.taskId);
  }

  async #rescue(): Promise<void> {
    await failLostTasks(this.#db, { lostLeases: 10, most: 100 });
    await rescueTasks(this.#db, { lostLeases: 10, most: 100 });
    // Whoever froze wakes up after its lease was taken away.
    for (const attempt of this.#attempts) attempt.frozen = false;
  }

  async #heartbeat(): Promise<void> {
    const workerId = this.#random.pick(this.#workerIds) ?? "";
    const mine = this.#attempts.filter((attempt) => attempt.fence.workerId === workerId && !attempt.frozen);
    const held = mine.map(({ fence }) => ({ id: fence.taskId, attempt: fence.attempt }));
    await renewLeases(this.#db, { workerId, leaseMs: longLeaseMs, held });
  }

  async #expire(taskId: string): Promise<void> {
    await this.#db.query(
      `update tasks set lease_expires_at = now() - interval '1 second' where id = $1 and lease_expires_at is not null`,
      [taskId],
    );
  }

  /** Tasks that no attempt of ours works on any more: their leases run out, as time would have it. */
  async #expireAbandoned(): Promise<void> {
    await this.#db.query(
      `update tasks set lease_expires_at = now() - interval '1 second'
        where lease_expires_at is not null and not (id::text || ':' || attempt = any($1))`,
      [this.#attempts.map(({ fence }) => `${fence.taskId}:${fence.attempt}`)],
    );
  }

  /** Whether the task is in this attempt's hands, asked without the statements under test. */
  async #isHolder(fence: Fence): Promise<boolean> {
    const { rows } = await this.#db.query<{ attempt: number; worker_id: string | null }>(
      `select attempt, worker_id from tasks where id = $1`,
      [fence.taskId],
    );
    return rows[0]?.attempt === fence.attempt && rows[0].worker_id === fence.workerId;
  }

  #anyTask(): string {
    return this.#random.pick(this.lives.acknowledged) ?? "0";
  }
}

function oneOutput() {
  return [
    {
      id: drawHexId(),
      position: 0,
      name: "0.png",
      contentType: "image/png",
      sizeBytes: 1,
      accessKey: drawToken(),
      fileKey: `${drawOutputFolder()}/0.png`,
    },
  ];
}
