// Seeded lives of tasks on the real SQL: workers that draw, crash, freeze and wake up, callers that repeat, cancel and kill,
// projects with limits and budgets, deadlines, and processes that crash at the worst moments.
//
// The seed draws what is asked, by whom and with which fate; up to six of these race in sessions of their own, and whose lock
// comes first is PostgreSQL's to say.

import { manifestSchema } from "@atelier/schema/manifest";

import type { Database } from "../../packages/server/src/db/database.ts";
import { cancelOverdueTasks, killOverdueTasks } from "../../packages/server/src/db/queries/deadlines.ts";
import { cancelWaitingTask, killLeasedTask } from "../../packages/server/src/db/queries/endings.ts";
import { claimTask, failLostTasks, renewLeases, rescueTasks } from "../../packages/server/src/db/queries/leases.ts";
import type { ClaimedTask } from "../../packages/server/src/db/queries/leases.ts";
import { moveTasks } from "../../packages/server/src/db/queries/moves-of-many.ts";
import { failTask, finishTask, returnTask } from "../../packages/server/src/db/queries/moves.ts";
import type { Fence } from "../../packages/server/src/db/queries/moves.ts";
import { AtelierError } from "../../packages/server/src/errors.ts";
import { drawHexId, drawOutputFolder, drawToken } from "../../packages/server/src/secret-text.ts";
import { createTask } from "../../packages/server/src/tasks/create-task.ts";
import { AnswerLost, faultyNetwork } from "./faulty-network.ts";
import type { Writes } from "./faulty-network.ts";
import { brokenLimits } from "./invariants.ts";
import { seededRandom } from "./random.ts";
import type { SeededRandom } from "./random.ts";

/** A worker's view of one attempt. `frozen`: it does nothing until its lease has run out, then goes on as if nothing
 *  had happened. `busy`: a report is under way. */
interface Attempt {
  readonly fence: Fence;
  step: number;
  frozen: boolean;
  busy: boolean;
}

export interface Lives {
  /** Ids whose Run was acknowledged. */
  readonly acknowledged: string[];
  /** Of them, acknowledged to a repetition whose first answer was lost. */
  repeated: number;
  /** Reports that a fence refused. */
  refused: number;
  /** Runs that a limit or a budget refused. */
  turnedAway: number;
  /** Answers that were lost, before or after the commit. */
  lost: number;
  /** What was wrong while the world ran. Must stay empty. */
  readonly broken: string[];
}

/** Places of all workers together: by so many tasks may a budget be passed. */
export const workerPlaces = 8;

const path = [
  ...(["task_preprocess_start", "task_preprocess_end", "task_assign", "task_start", "task_output", "task_output"] as const),
  ...(["task_output_full", "task_end", "task_postprocess_start"] as const),
];
const outputStep = path.indexOf("task_output_full");
const longLeaseMs = 3_600_000;
const lostPercent = 3;
const model = manifestSchema.parse({
  id: "1",
  owner: "test",
  slug: "fake",
  title: "Fake",
  description: "",
  cover: "",
  categories: [],
  cps: "0.100000000000",
  parameters: [],
  variants: [{ name: "fake", engine: "fake" }],
  deadlines: { queueSeconds: 86_400, runSeconds: 86_400 },
});

/** Runs `operations` random operations in bursts, then lets everything end. */
export async function simulateLives(
  db: Database,
  options: { projectIds: readonly string[]; seed: number; operations: number },
): Promise<Lives> {
  const world = new World(db, seededRandom(options.seed), options.projectIds);
  await world.fillQueue(options.projectIds.at(-1) ?? "");
  for (let count = 0; count < options.operations; ) count += await world.burst();
  await world.settle();
  return world.lives;
}

class World {
  readonly lives: Lives = { acknowledged: [], repeated: 0, refused: 0, turnedAway: 0, lost: 0, broken: [] };
  readonly #db: Database;
  readonly #random: SeededRandom;
  readonly #projectIds: readonly string[];
  readonly #claiming = new Set<string>();
  /** Task of each idempotency key. */
  readonly #byKey = new Map<string, string>();
  #attempts: Attempt[] = [];
  #isOver = false;
  #bursts = 0;

  constructor(db: Database, random: SeededRandom, projectIds: readonly string[]) {
    this.#db = db;
    this.#random = random;
    this.#projectIds = projectIds;
  }

  /** More waiting tasks of a project than there are places, so that a budget which is not heeded is passed by more than that. */
  async fillQueue(projectId: string): Promise<void> {
    const runs = Array.from({ length: 3 * workerPlaces }, () => createTask({ db: this.#db }, requestOf(projectId)));
    for (const { id } of await Promise.all(runs)) this.#acknowledge(id, undefined);
  }

  /** Some operations at once. Returns how many. */
  async burst(): Promise<number> {
    this.#bursts += 1;
    const operations = Array.from({ length: 1 + this.#random.below(6) }, () => this.#draw());
    await Promise.all(operations.map((operation) => operation()));
    if (this.#bursts % 3 === 0) this.lives.broken.push(...(await brokenLimits(this.#db)));
    return operations.length;
  }

  /** What is asked is drawn now; nothing is drawn while operations race. */
  #draw(): () => Promise<unknown> {
    const dice = this.#random.below(100);
    const network = this.#network();
    const [workerId, task] = [`w${this.#random.below(workerPlaces)}`, this.#anyTask()];
    if (dice < 22) return this.#submission(network);
    if (dice < 42) return () => this.#claim(workerId, network);
    if (dice < 80) return this.#work(network);
    if (dice < 84) return this.#crashOrFreeze();
    if (dice < 89) return () => this.#rescue();
    if (dice < 91) return () => this.#heartbeat(workerId);
    if (dice < 95) return () => this.#heard(killLeasedTask(network, task));
    if (dice < 98) return () => this.#heard(cancelWaitingTask(network, task));
    return () => this.#passDeadline(task);
  }

  /** No more crashes: what waits is claimed and worked to its end, or cancelled where a budget lets nothing start. */
  async settle(): Promise<void> {
    this.#isOver = true;
    for (;;) {
      await this.#expireAbandoned();
      await this.#rescue();
      let claimed = 0;
      for (let worker = 0; worker < workerPlaces; worker += 1) claimed += Number(await this.#claim(`w${worker}`, this.#db));
      await Promise.all(this.#attempts.map((attempt) => this.#toTheEnd(attempt)));
      if (claimed > 0) continue;
      const { rows } = await this.#db.query<{ id: string; isWaiting: boolean }>(
        `select id, phase = 'waiting' as "isWaiting" from tasks where phase in ('waiting', 'leased')`,
      );
      if (rows.length === 0) return;
      if (rows.every((row) => row.isWaiting)) await Promise.all(rows.map((row) => cancelWaitingTask(this.#db, row.id)));
    }
  }

  async #toTheEnd(attempt: Attempt): Promise<void> {
    attempt.frozen = false;
    while (this.#attempts.includes(attempt)) await this.#advance(attempt, { network: this.#db, steps: path.length, dice: 99 });
  }

  /** A quarter of the runs have a key, and some keys are used again. A caller with a key asks again when it hears nothing. */
  #submission(network: Writes): () => Promise<void> {
    // Most of the lives without limits: the others turn many away.
    const [free = "", ...others] = this.#projectIds;
    const projectId = this.#random.chance(0.7) ? free : (this.#random.pick(others) ?? free);
    const key = this.#random.chance(0.25) ? `key-${this.#random.below(40)}` : undefined;
    const once = key === undefined ? {} : { once: { key, fingerprint: Buffer.from("the same body") } };
    const request = { ...requestOf(projectId), ...once };
    return async () => {
      try {
        this.#acknowledge((await createTask({ db: network }, request)).id, key && `${projectId} ${key}`);
      } catch (error) {
        if (error instanceof AtelierError) this.lives.turnedAway += 1;
        else if (!(error instanceof AnswerLost)) throw error;
        else if (key !== undefined) await this.#repeat(request, `${projectId} ${key}`);
      }
    };
  }

  async #repeat(request: Parameters<typeof createTask>[1], key: string): Promise<void> {
    this.lives.lost += 1;
    try {
      this.#acknowledge((await createTask({ db: this.#db }, request)).id, key);
      this.lives.repeated += 1;
    } catch (error) {
      if (!(error instanceof AtelierError)) throw error;
      this.lives.turnedAway += 1;
    }
  }

  #acknowledge(id: string, key: string | undefined): void {
    const known = key === undefined ? undefined : this.#byKey.get(key);
    if (known !== undefined && known !== id) this.lives.broken.push(`${key} made the tasks ${known} and ${id}`);
    if (key !== undefined) this.#byKey.set(key, id);
    if (known === undefined) this.lives.acknowledged.push(id);
  }

  async #claim(workerId: string, network: Writes): Promise<boolean> {
    if (this.#claiming.has(workerId) || this.#attempts.some(({ fence }) => fence.workerId === workerId)) return false;
    this.#claiming.add(workerId);
    try {
      const task = await this.#heard(claimTask(network, { workerId, models: ["test/fake"], leaseMs: longLeaseMs }));
      if (task) this.#hold(workerId, task);
      return task !== undefined;
    } finally {
      this.#claiming.delete(workerId);
    }
  }

  #hold(workerId: string, task: ClaimedTask): void {
    this.#attempts.push({ fence: { taskId: task.id, attempt: task.attempt, workerId }, step: 0, frozen: false, busy: false });
  }

  #work(network: Writes): () => Promise<void> {
    const attempt = this.#random.pick(this.#attempts.filter((candidate) => !candidate.frozen && !candidate.busy));
    if (!attempt) return async () => undefined;
    attempt.busy = true;
    const turn = { network, steps: 1 + this.#random.below(5), dice: this.#random.below(100) };
    return () => this.#advance(attempt, turn).finally(() => (attempt.busy = false));
  }

  /** One report. A worker that hears nothing reports the same again. */
  async #advance(attempt: Attempt, turn: { network: Writes; steps: number; dice: number }): Promise<void> {
    const outcome = await this.#heard(this.#report(attempt, turn));
    if (outcome === undefined || outcome === "going on") return;
    if (outcome === "refused") this.lives.refused += 1;
    this.#attempts = this.#attempts.filter((other) => other !== attempt);
  }

  async #report(attempt: Attempt, { network, steps, dice }: { network: Writes; steps: number; dice: number }): Promise<"going on" | "ended" | "refused"> {
    const { fence, step } = attempt;
    const said = (isHeld: boolean) => (isHeld ? "ended" : "refused");
    if (step === outputStep && dice < 10) return said(await failTask(network, fence, { pexit: "1", debugError: "drawn", debugOutput: "" }));
    if (step === outputStep && dice < 15) return said(await returnTask(network, fence, { engineFailed: true, debugError: "crash" }));
    if (step === path.length) return said(await finishTask(network, fence, { outputs: outputsOf(fence), debugOutput: "", provenance: {} }));
    // Everything is reported by an attempt that says which one it is: a later one must not be credited with it.
    const next = path.slice(step, step < outputStep ? Math.min(step + steps, outputStep) : step + steps);
    const [moved] = await moveTasks(network, [{ fence, moves: next.map((to) => ({ to, data: { reporter: fence.attempt } })) }]);
    if (!moved) return "refused";
    attempt.step += next.length;
    return "going on";
  }

  /** A crashed worker forgets its attempt; a frozen one keeps it and reports too late. Both lose their lease. */
  #crashOrFreeze(): () => Promise<void> {
    const attempt = this.#random.pick(this.#attempts);
    if (!attempt) return async () => undefined;
    if (this.#random.chance(0.5)) this.#attempts = this.#attempts.filter((other) => other !== attempt);
    else attempt.frozen = true;
    return () => this.#expire(attempt.fence.taskId);
  }

  async #rescue(): Promise<void> {
    if (!this.#isOver && this.#random.chance(0.3)) await this.#expireAbandoned();
    await failLostTasks(this.#db, { lostLeases: 10, most: 100 });
    await rescueTasks(this.#db, { lostLeases: 10, most: 100 });
    // Whoever froze wakes up after its lease was taken away.
    for (const attempt of this.#attempts) attempt.frozen = false;
  }

  async #heartbeat(workerId: string): Promise<void> {
    const mine = this.#attempts.filter((attempt) => attempt.fence.workerId === workerId && !attempt.frozen);
    const held = mine.map(({ fence }) => ({ id: fence.taskId, attempt: fence.attempt }));
    await renewLeases(this.#db, { workerId, leaseMs: longLeaseMs, held });
  }

  async #passDeadline(taskId: string): Promise<void> {
    await this.#db.query("update tasks set deadline_at = now() - interval '1 s' where id = $1 and deadline_at is not null", [taskId]);
    await cancelOverdueTasks(this.#db, 100);
    await killOverdueTasks(this.#db, 100);
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

  /** Undefined when the answer was lost. */
  async #heard<Answer>(asking: Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await asking;
    } catch (error) {
      if (!(error instanceof AnswerLost)) throw error;
      this.lives.lost += 1;
      return undefined;
    }
  }

  #network(): Writes {
    return faultyNetwork(this.#db, this.#random, lostPercent);
  }

  #anyTask(): string {
    return this.#random.pick(this.lives.acknowledged) ?? "0";
  }
}

function requestOf(projectId: string) {
  return { projectId, model, parameters: {}, input: {}, callbackUrl: "" };
}

/** Their name says which attempt made them. */
function outputsOf({ attempt }: Fence) {
  return [0, 1].map((position) => ({
    id: drawHexId(),
    position,
    name: `${attempt}-${position}.png`,
    contentType: "image/png",
    sizeBytes: 1,
    accessKey: drawToken(),
    fileKey: `${drawOutputFolder()}/${position}.png`,
  }));
}
