// A waiting task's place in the queue, and when it may start: pure, from one look at the queue.
//
// It follows the claim (db/queries/claim-statement.ts): projects take turns, the one with the fewest running tasks first, and
// within a project the oldest task goes first. It leaves out that warm models go before others for a while.

import type { RunningTask } from "../db/queries/queue.ts";
import type { QueueLook } from "./queue-look.ts";

export interface QueuedTask {
  readonly id: string;
  readonly projectId: string;
  readonly model: string;
}

export interface QueuePlace {
  /** From 1: the next. */
  readonly position: number;
  /** Seconds from the look until a worker takes it; undefined when no live worker can run it, its project's budget is spent,
   *  or nothing like it was run lately. */
  readonly waitSeconds: number | undefined;
}

/** A task that has run for longer than the mean is taken to go on for this part of it. */
const overdueRatio = 0.1;

export function placeInQueue(look: QueueLook, task: QueuedTask): QueuePlace {
  const competition = competitionFor(look, task);
  const ownAhead = tasksAhead(look, competition.models, task);
  const position = 1 + ownAhead + turnsOfOthers(look, competition.models, { task, ownAhead });
  return { position, waitSeconds: waitOf(look, competition, { task, ownAhead, position }) };
}

/** The workers that can run the task, and the models whose tasks compete for them. */
interface Competition {
  readonly models: ReadonlySet<string>;
  readonly running: readonly RunningTask[];
  readonly places: number;
}

function competitionFor(look: QueueLook, task: QueuedTask): Competition {
  const able = look.workers.filter((worker) => worker.models.includes(task.model));
  const ids = new Set(able.map((worker) => worker.workerId));
  const running = look.running.filter((one) => ids.has(one.workerId));
  const runningOn = countBy(running, (one) => one.workerId);
  // A remote worker says how many tasks it wants now, not how many it can run: what it runs is the better number.
  const places = able.reduce((sum, worker) => sum + Math.max(worker.places, runningOn.get(worker.workerId) ?? 0), 0);
  return { models: new Set([task.model, ...able.flatMap((worker) => worker.models)]), running, places };
}

/** Older tasks of its own project. */
function tasksAhead(look: QueueLook, models: ReadonlySet<string>, task: QueuedTask): number {
  const own = look.waiting.filter((group) => group.projectId === task.projectId && models.has(group.model));
  return own.reduce((sum, group) => sum + countBefore(group, Number(task.id)), 0);
}

/** How many of a group are older: exact for the first, and up to the last sample for the others. */
function countBefore({ samples, waiting }: QueueLook["waiting"][number], id: number): number {
  let [low, high] = [0, samples.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((samples[middle]?.[1] ?? Infinity) < id) low = middle + 1;
    else high = middle;
  }
  const next = samples[low];
  if (next?.[1] === id) return next[0] - 1;
  // It lies between two samples, or came after the look.
  return next ? (samples[low - 1]?.[0] ?? 0) : waiting;
}

/** Tasks of other projects that go before it: as many turns as its own project has until then, and those by which its project
 *  is ahead of them now. */
function turnsOfOthers(look: QueueLook, models: ReadonlySet<string>, { task, ownAhead }: { task: QueuedTask; ownAhead: number }): number {
  const runningOf = countBy(look.running, (one) => one.projectId);
  const waitingOf = new Map<string, number>();
  for (const group of look.waiting) {
    if (models.has(group.model)) waitingOf.set(group.projectId, (waitingOf.get(group.projectId) ?? 0) + group.waiting);
  }
  waitingOf.delete(task.projectId);
  const own = runningOf.get(task.projectId) ?? 0;
  let turns = 0;
  for (const [projectId, waiting] of waitingOf) {
    if (look.standings.get(projectId)?.isSpent) continue;
    // Both move towards the mean, so the distance is closed by half of it.
    const lead = Math.round((own - (runningOf.get(projectId) ?? 0)) / 2);
    const isFirst = lastClaim(look, projectId) < lastClaim(look, task.projectId) ? 1 : 0;
    turns += Math.min(waiting, Math.max(0, ownAhead + lead + isFirst));
  }
  return turns;
}

function lastClaim(look: QueueLook, projectId: string): number {
  return look.standings.get(projectId)?.lastClaimAt?.getTime() ?? 0;
}

function waitOf(
  look: QueueLook,
  competition: Competition,
  { task, ownAhead, position }: { task: QueuedTask; ownAhead: number; position: number },
): number | undefined {
  const standing = look.standings.get(task.projectId);
  const seconds = meanSeconds(look, competition.models);
  if (competition.places === 0 || standing?.isSpent || seconds === undefined) return undefined;
  const queue = { running: competition.running, places: competition.places, ahead: position - 1 };
  const wait = untilPlace(look, queue, seconds);
  if (standing?.runningLimit == null) return wait;
  const own = look.running.filter((one) => one.projectId === task.projectId);
  return Math.max(wait, untilPlace(look, { running: own, places: standing.runningLimit, ahead: ownAhead }, seconds));
}

/** Seconds until `ahead` tasks have begun and a place is free again, when each takes `seconds`. */
function untilPlace(
  look: QueueLook,
  { running, places, ahead }: { running: readonly RunningTask[]; places: number; ahead: number },
  seconds: number,
): number {
  const left = running.map(({ model, ageSeconds }) => {
    const mean = look.runSeconds.get(model) ?? seconds;
    return Math.max(mean - ageSeconds, mean * overdueRatio);
  });
  const free = Array.from({ length: Math.max(0, places - left.length) }, () => 0);
  const untilFree = [...free, ...left].toSorted((one, other) => one - other);
  return (untilFree[ahead % untilFree.length] ?? 0) + Math.floor(ahead / untilFree.length) * seconds;
}

/** Of the tasks that wait, each model by its number; of all models where none of them was run lately. */
function meanSeconds(look: QueueLook, models: ReadonlySet<string>): number | undefined {
  const known = look.waiting.filter((group) => models.has(group.model) && look.runSeconds.has(group.model));
  const tasks = known.reduce((sum, group) => sum + group.waiting, 0);
  if (tasks > 0) return known.reduce((sum, group) => sum + group.waiting * (look.runSeconds.get(group.model) ?? 0), 0) / tasks;
  const all = [...look.runSeconds.values()];
  return all.length === 0 ? undefined : all.reduce((sum, one) => sum + one, 0) / all.length;
}

function countBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}
