// The workers of a simulated world: they claim for their free places, report and end many tasks in one statement, crash, freeze
// and wake up too late.

import pg from "pg";

import { claimTasks, renewLeases } from "../../packages/server/src/db/queries/leases.ts";
import type { Claim, ClaimedTask } from "../../packages/server/src/db/queries/leases.ts";
import type { Fence, Finish, Move } from "../../packages/server/src/db/queries/moves.ts";
import { drawHexId, drawOutputFolder, drawToken } from "../../packages/server/src/secret-text.ts";
import type { WaitingWorkers } from "../../packages/server/src/tasks/claim-line.ts";
import { failAttempt } from "../../packages/server/src/tasks/fail-attempt.ts";
import { openReportLine } from "../../packages/server/src/tasks/report-line.ts";
import type { ReportLine } from "../../packages/server/src/tasks/report-line.ts";
import { modelNames, spoiltText } from "./callers.ts";
import type { Writes } from "./faulty-network.ts";
import { placesOfWorkers } from "./world.ts";
import type { Attempt, World } from "./world.ts";

const path = [
  ...(["task_preprocess_start", "task_preprocess_end", "task_assign", "task_start", "task_output", "task_output"] as const),
  ...(["task_output_full", "task_end", "task_postprocess_start"] as const),
];
const outputStep = path.indexOf("task_output_full");
const longLeaseMs = 3_600_000;

/** What a worker does next with a task. `spoilt`: it ends it with a text that PostgreSQL refuses. `crash`: its engine died. */
type Turn = { readonly kind: "move"; readonly steps: number } | { readonly kind: "finish" | "spoilt" | "fail" | "crash" };

/** A report's fate; undefined when nothing was heard of it. */
type Outcome = "going on" | "ended" | "refused" | "spoilt" | undefined;

/** A worker with free places asks for as many tasks, or for fewer. Those that it only ends are none of its places: it holds as many
 *  again. */
export function claim(world: World, network: Writes): () => Promise<unknown> {
  const worker = world.random.below(placesOfWorkers.length);
  const wanted = 1 + world.random.below(placesOfWorkers[worker] ?? 1);
  const warm = world.random.chance(0.3) ? [modelNames[1] ?? ""] : [];
  return () => claimFor(world, { worker, wanted, warm, network });
}

/** All workers ask for all their free places at once. */
export function claimsOfAll(world: World): (() => Promise<unknown>)[] {
  return placesOfWorkers.map((wanted, worker) => {
    const network = world.network();
    return () => claimFor(world, { worker, wanted, warm: [], network });
  });
}

/** All workers fill all their places, one after the other. Returns how many tasks they were given. */
export async function fillPlaces(world: World): Promise<number> {
  const given: number[] = [];
  for (const [worker, wanted] of placesOfWorkers.entries()) given.push(await claimFor(world, { worker, wanted, warm: [], network: world.db }));
  return given.reduce((sum, tasks) => sum + tasks, 0);
}

interface Claiming {
  readonly worker: number;
  readonly wanted: number;
  readonly warm: readonly string[];
  readonly network: Writes;
}

async function claimFor(world: World, { worker, wanted, warm, network }: Claiming): Promise<number> {
  const asked = askOf(world, { worker, wanted, warm });
  if (!asked) return 0;
  const tasks = await world.hear(claimTasks(network, asked.claim, asked.most));
  return receive(world, asked, tasks ?? []);
}

/** Before a process takes some runs, a worker of its own waits for tasks. */
export function waitingWorker(world: World): WaitingWorkers {
  const worker = world.random.below(placesOfWorkers.length);
  const wanted = 1 + world.random.below(placesOfWorkers[worker] ?? 1);
  return {
    handOver(models) {
      const asked = askOf(world, { worker, wanted, warm: [] });
      if (!asked) return undefined;
      if (!asked.claim.models.some((model) => models.has(model))) {
        receive(world, asked, []);
        return undefined;
      }
      const settle = (tasks: readonly ClaimedTask[]): void => void (world.lives.handedOver += receive(world, asked, tasks));
      return { ...asked, settle, fail: () => settle([]) };
    },
  };
}

/** What a worker asks, if it has a free place and asks for nothing yet; `receive` must follow. */
function askOf(world: World, { worker, wanted, warm }: Omit<Claiming, "network">): { claim: Claim; most: number } | undefined {
  const workerId = `w${worker}`;
  const held = world.attempts.filter(({ fence }) => fence.workerId === workerId).length;
  const places = placesOfWorkers[worker] ?? 0;
  const most = Math.min(wanted, 2 * places - held);
  if (most <= 0 || world.claiming.has(workerId)) return undefined;
  world.claiming.add(workerId);
  // The first one runs one of the models.
  const models = worker === 0 ? modelNames.slice(0, 1) : modelNames;
  return { claim: { workerId, models, warm, leaseMs: longLeaseMs, places }, most };
}

/** Returns how many. */
function receive(world: World, { claim: { workerId, models }, most }: { claim: Claim; most: number }, tasks: readonly ClaimedTask[]): number {
  world.claiming.delete(workerId);
  if (tasks.length > most) world.lives.broken.push(`${workerId} asked for ${most} tasks and was given ${tasks.length}`);
  for (const { id, attempt, eventSeq, model } of tasks) {
    if (!models.includes(model)) world.lives.broken.push(`${workerId} was given task ${id} of ${model}`);
    world.attempts.push({ fence: { taskId: id, attempt, workerId }, eventSeq, step: 0, frozen: false, busy: false });
  }
  return tasks.length;
}

/** A process reports on some of the tasks of its workers in one turn, so that reports of a kind share a statement. */
export function report(world: World, network: Writes): () => Promise<void> {
  const reports: { attempt: Attempt; turn: Turn }[] = [];
  for (let most = 1 + world.random.below(6); most > 0; most -= 1) {
    const attempt = world.random.pick(world.attempts.filter(({ frozen, busy }) => !frozen && !busy));
    if (!attempt) break;
    attempt.busy = true;
    reports.push({ attempt, turn: drawTurn(world, attempt) });
  }
  return () => reportAll(world, network, reports).finally(() => reports.forEach(({ attempt }) => (attempt.busy = false)));
}

/** Everybody ends what he holds; whoever was frozen too. */
export async function endAll(world: World): Promise<void> {
  await reportAll(world, world.db, world.attempts.map((attempt) => ({ attempt, turn: { kind: "finish" } })));
}

function drawTurn({ random }: World, { step, fence }: Attempt): Turn {
  const dice = random.below(100);
  if (step >= outputStep && dice < 8) return { kind: "fail" };
  if (dice >= 98) return { kind: "spoilt" };
  // What crashed an engine often crashes the next one too.
  if ((step >= outputStep && dice >= 90) || (fence.attempt > 1 && dice >= 60)) return { kind: "crash" };
  // A run that is over before its reports are written takes all of them along with its end.
  if (step === path.length || dice < 25) return { kind: "finish" };
  const steps = 1 + random.below(5);
  return { kind: "move", steps: step < outputStep ? Math.min(steps, outputStep - step) : steps };
}

/** Simulated time has none: nobody is waited for. */
const noPause = (): Promise<void> => Promise.resolve();

async function reportAll(world: World, network: Writes, reports: readonly { attempt: Attempt; turn: Turn }[]): Promise<void> {
  const line = openReportLine({ db: network, pause: noPause });
  const outcomes = await Promise.all(reports.map(({ attempt, turn }) => world.hear(take(turn, { line, network, attempt }))));
  for (const kind of ["move", "finish"]) {
    const shared = outcomes.filter((outcome, at) => outcome !== undefined && reports[at]?.turn.kind === kind);
    if (shared.includes("refused") && shared.some((outcome) => outcome !== "refused")) world.lives.mixed += 1;
  }
  for (const [at, { attempt, turn }] of reports.entries()) settle(world, { attempt, turn, outcome: outcomes[at] });
}

/** A worker that hears nothing will report the same again. */
function settle(world: World, { attempt, turn, outcome }: { attempt: Attempt; turn: Turn; outcome: Outcome }): void {
  const { taskId, attempt: number } = attempt.fence;
  if (outcome === "ended" && turn.kind === "finish") attempt.step = path.length;
  if (outcome === "ended" || outcome === "going on") world.lives.written.set(`${taskId}:${number}`, attempt.step);
  if (outcome === undefined || outcome === "going on") return;
  if (outcome === "refused") world.lives.refused += 1;
  if (outcome === "spoilt") world.lives.spoilt += 1;
  else world.drop(attempt);
}

async function take(turn: Turn, deps: { line: ReportLine; network: Writes; attempt: Attempt }): Promise<Outcome> {
  const { fence } = deps.attempt;
  if (turn.kind === "move") return move(deps, turn.steps);
  if (turn.kind === "finish" || turn.kind === "spoilt") return finish(deps, { isSpoilt: turn.kind === "spoilt" });
  const run = { mayRetry: turn.kind === "crash", debugError: turn.kind, debugOutput: "" };
  return (await failAttempt(deps.network, fence, run)) ? "ended" : "refused";
}

async function move({ line, attempt }: { line: ReportLine; attempt: Attempt }, steps: number): Promise<Outcome> {
  const moves = movesOf(attempt).slice(0, steps);
  if (!(await line.move({ fence: attempt.fence, moves, afterSeq: attempt.eventSeq + attempt.step }))) return "refused";
  attempt.step += moves.length;
  return "going on";
}

async function finish({ line, attempt }: { line: ReportLine; attempt: Attempt }, { isSpoilt }: { isSpoilt: boolean }): Promise<Outcome> {
  const { fence } = attempt;
  const debugOutput = isSpoilt ? spoiltText : "";
  const end: Finish = { moves: movesOf(attempt), outputs: outputsOf(fence), debugOutput, provenance: {} };
  try {
    return (await line.finish(fence, end)) ? "ended" : "refused";
  } catch (error) {
    if (isSpoilt && error instanceof pg.DatabaseError) return "spoilt";
    throw error;
  }
}

/** What is left of its path. Everything is reported by an attempt that says which one it is: a later one must not be credited
 *  with it. */
function movesOf({ fence, step }: Attempt): Move[] {
  return path.slice(step).map((to) => ({ to, data: { reporter: fence.attempt } }));
}

/** Their name says which attempt made them. */
function outputsOf({ attempt }: Fence): Finish["outputs"] {
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

export function heartbeat(world: World): () => Promise<unknown> {
  const workerId = `w${world.random.below(placesOfWorkers.length)}`;
  return () => {
    const mine = world.attempts.filter((attempt) => attempt.fence.workerId === workerId && !attempt.frozen);
    const held = mine.map(({ fence }) => ({ id: fence.taskId, attempt: fence.attempt }));
    return renewLeases(world.db, { workerId, leaseMs: longLeaseMs, held });
  };
}
