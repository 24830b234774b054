// The callers of a simulated world: runs that come alone or share a statement, repetitions, Cancel and Kill.

import { manifestSchema } from "@atelier/schema/manifest";
import pg from "pg";

import { cancelWaitingTask, killLeasedTask } from "../../packages/server/src/db/queries/endings.ts";
import { AtelierError } from "../../packages/server/src/errors.ts";
import type { WaitingWorkers } from "../../packages/server/src/tasks/claim-line.ts";
import { createTask } from "../../packages/server/src/tasks/create-task.ts";
import type { CreateTaskDeps, RunRequest } from "../../packages/server/src/tasks/create-task.ts";
import { openNewTaskLine } from "../../packages/server/src/tasks/new-task-line.ts";
import { AnswerLost } from "./faulty-network.ts";
import type { Writes } from "./faulty-network.ts";
import { workerPlaces } from "./world.ts";
import type { World } from "./world.ts";

/** Names of the models that runs ask for. */
export const modelNames: readonly string[] = ["test/fake", "test/other"];

/** Text that PostgreSQL takes in no JSON. */
export const spoiltText = "\u0000";

const models = modelNames.map((name, at) =>
  manifestSchema.parse({
    id: String(at + 1),
    owner: "test",
    slug: name.split("/")[1],
    title: name,
    description: "",
    cover: "",
    categories: [],
    cps: "0.100000000000",
    // The second one is paid by the picture.
    prices: at === 1 ? [{ inputs: {}, price: "0.001", priceMethod: "cpo" }] : [],
    parameters: [],
    variants: [{ name: "fake", engine: "fake" }],
    deadlines: { queueSeconds: 86_400, runSeconds: 86_400 },
  }),
);

interface Run {
  readonly request: RunRequest;
  /** Its idempotency key, which is the project's own. */
  readonly key: string | undefined;
  /** PostgreSQL refuses it, and no other run. */
  readonly isSpoilt: boolean;
}

/** One process takes some runs in one turn: those without a key share a statement where they are several, and a transaction with
 *  the claim of a worker that waits (`workers`). */
export function submission(world: World, network: Writes, workers: WaitingWorkers | undefined): () => Promise<void> {
  const runs = Array.from({ length: world.random.chance(0.4) ? 1 : 2 + world.random.below(6) }, () => drawRun(world));
  const isShared = runs.length > 1 || workers !== undefined;
  const deps = { db: network, ...(isShared && { newTasks: openNewTaskLine({ db: network, ...(workers && { workers }) }) }) };
  return async () => {
    await Promise.all(runs.map((run) => submit(world, deps, run)));
  };
}

/** More waiting tasks of a project than there are places, so that a budget which is not heeded is passed by more than that. */
export async function fillQueue(world: World, projectId: string): Promise<void> {
  const deps = { db: world.db, newTasks: openNewTaskLine(world) };
  const runs = Array.from({ length: 3 * workerPlaces }, (_, at) => createTask(deps, requestOf(projectId, at)));
  for (const { id } of await Promise.all(runs)) world.acknowledge(id, undefined);
}

/** Cancel or Kill of any task. */
export function ending(world: World, network: Writes, verb: "cancel" | "kill"): () => Promise<unknown> {
  const task = world.anyTask();
  return async () => {
    const isStopped = await world.hear(verb === "kill" ? killLeasedTask(network, task) : cancelWaitingTask(network, task));
    if (isStopped) world.lives.stopped.push(task);
  };
}

/** A sixth of the runs have a key, and some keys are used again. */
function drawRun({ random, projectIds }: World): Run {
  // Most of the lives without limits: the others turn many away.
  const [free = "", ...others] = projectIds;
  const projectId = random.chance(0.75) ? free : (random.pick(others) ?? free);
  const key = random.chance(0.16) ? `key-${random.below(40)}` : undefined;
  const isSpoilt = random.chance(0.01);
  const request = { ...requestOf(projectId, random.below(2)), ...(isSpoilt && { input: { prompt: spoiltText } }) };
  if (key === undefined) return { request, key, isSpoilt };
  return { request: { ...request, once: { key, fingerprint: Buffer.from("the same body") } }, key: `${projectId} ${key}`, isSpoilt };
}

/** A caller with a key asks again when it hears nothing. */
async function submit(world: World, deps: CreateTaskDeps, run: Run): Promise<void> {
  try {
    world.acknowledge((await createTask(deps, run.request)).id, run.key);
  } catch (error) {
    if (!(error instanceof AnswerLost)) return hearRefusal(world, run, error);
    world.lives.lost += 1;
    if (run.key !== undefined && !run.isSpoilt) await repeat(world, run);
  }
}

async function repeat(world: World, run: Run): Promise<void> {
  try {
    world.acknowledge((await createTask({ db: world.db }, run.request)).id, run.key);
    world.lives.repeated += 1;
  } catch (error) {
    hearRefusal(world, run, error);
  }
}

function hearRefusal({ lives }: World, { isSpoilt }: Run, error: unknown): void {
  if (isSpoilt && error instanceof pg.DatabaseError) lives.spoilt += 1;
  else if (error instanceof AtelierError) lives.turnedAway += 1;
  else throw error;
}

function requestOf(projectId: string, number: number): RunRequest {
  const model = models[number % models.length];
  if (!model) throw new Error("there are no models");
  return { projectId, model, parameters: {}, input: {}, callbackUrl: "" };
}
