import { expect, test } from "vitest";

import type { QueueLook } from "./queue-look.ts";
import { placeInQueue } from "./queue-place.ts";

type Parts = Partial<Omit<QueueLook, "standings" | "runSeconds">> & {
  standings?: Record<string, { lastClaimAt?: Date; runningLimit?: number; isSpent?: boolean }>;
  runSeconds?: Record<string, number>;
};

const at = new Date(1_800_000_000_000);

function lookOf({ standings = {}, runSeconds = { a: 10 }, ...parts }: Parts): QueueLook {
  const rows = Object.entries(standings).map(([projectId, standing]) => {
    return [projectId, { projectId, lastClaimAt: null, runningLimit: null, isSpent: false, ...standing }] as const;
  });
  const empty = { at, waiting: [], running: [], workers: [{ workerId: "w", models: ["a"], places: 1 }] };
  return { ...empty, ...parts, standings: new Map(rows), runSeconds: new Map(Object.entries(runSeconds)) };
}

/** A group whose ids are all sampled. */
const group = (projectId: string, model: string, ...ids: number[]) => {
  return { projectId, model, waiting: ids.length, samples: ids.map((id, place) => [place + 1, id] as const) };
};

const running = (ageSeconds: number, more: object = {}) => ({ workerId: "w", projectId: "p", model: "a", ageSeconds, ...more });
const task = (id: number, projectId = "p", model = "a") => ({ id: String(id), projectId, model });

test("in one project the older tasks go first, and each place takes one run at a time", () => {
  const look = lookOf({ waiting: [group("p", "a", 1, 2, 3, 4)], running: [running(4)] });
  expect([1, 2, 3, 4].map((id) => placeInQueue(look, task(id)))).toEqual([
    { position: 1, waitSeconds: 6 },
    { position: 2, waitSeconds: 16 },
    { position: 3, waitSeconds: 26 },
    { position: 4, waitSeconds: 36 },
  ]);
});

test("with several places the one that is free first is taken, and a run that is late is taken to end soon", () => {
  const workers = [{ workerId: "w", models: ["a"], places: 3 }];
  const look = lookOf({ waiting: [group("p", "a", 1, 2, 3, 4)], running: [running(2), running(25)], workers });
  const waits = [1, 2, 3, 4].map((id) => placeInQueue(look, task(id)).waitSeconds);
  expect(waits).toEqual([0, 1, 8, 10]);
});

test("another project's backlog delays a first task by no more than its turn", () => {
  const backlog = group("q", "a", ...Array.from({ length: 1_000 }, (_, id) => id + 1));
  const standings = { p: { lastClaimAt: new Date(2) }, q: { lastClaimAt: new Date(1) } };
  const look = lookOf({ waiting: [backlog, group("p", "a", 5_000, 5_001)], standings });
  expect(placeInQueue(look, task(5_000)).position).toBe(2);
  expect(placeInQueue(look, task(5_001)).position).toBe(4);
  expect(placeInQueue(look, task(1_000, "q")).position).toBe(1_000 + 2);
  const ahead = lookOf({ waiting: [backlog, group("p", "a", 5_000)], running: [1, 2, 3, 4].map(() => running(0)) });
  expect(placeInQueue(ahead, task(5_000)).position).toBe(3);
});

test("tasks that only other workers run do not count, and without a live worker there is no estimate", () => {
  const look = lookOf({ waiting: [group("p", "b", 1, 2), group("p", "a", 3)], runSeconds: { a: 10, b: 99 } });
  expect(placeInQueue(look, task(3))).toEqual({ position: 1, waitSeconds: 0 });
  expect(placeInQueue(look, task(2, "p", "b"))).toEqual({ position: 2, waitSeconds: undefined });
  const shared = lookOf({ waiting: look.waiting, workers: [{ workerId: "w", models: ["a", "b"], places: 1 }], runSeconds: { a: 10, b: 40 } });
  expect(placeInQueue(shared, task(3))).toEqual({ position: 3, waitSeconds: 60 });
});

test("a running limit makes a project wait for itself, and a spent budget for ever", () => {
  const workers = [{ workerId: "w", models: ["a"], places: 8 }];
  const parts = { waiting: [group("p", "a", 1, 2)], running: [running(4)], workers };
  expect(placeInQueue(lookOf(parts), task(2)).waitSeconds).toBe(0);
  const limited = lookOf({ ...parts, standings: { p: { runningLimit: 1 } } });
  expect(placeInQueue(limited, task(1))).toEqual({ position: 1, waitSeconds: 6 });
  expect(placeInQueue(limited, task(2))).toEqual({ position: 2, waitSeconds: 16 });
  const spent = lookOf({ ...parts, standings: { p: { isSpent: true } } });
  expect(placeInQueue(spent, task(1))).toEqual({ position: 1, waitSeconds: undefined });
});

test("beyond the sampled ids a place is at most the sampling too low, and a task newer than the look comes last", () => {
  const samples = [1, 2, 3, 64, 128, 192, 200].map((place) => [place, place * 10] as const);
  const look = lookOf({ waiting: [{ projectId: "p", model: "a", waiting: 200, samples }] });
  for (let id = 10; id <= 2_000; id += 10) {
    const { position } = placeInQueue(look, task(id));
    expect(id / 10 - position, `id ${id}`).toBeGreaterThanOrEqual(0);
    expect(id / 10 - position, `id ${id}`).toBeLessThanOrEqual(63);
  }
  expect(placeInQueue(look, task(9_999)).position).toBe(201);
});

test("where nothing was run lately there is no estimate", () => {
  const look = lookOf({ waiting: [group("p", "a", 1)], runSeconds: {} });
  expect(placeInQueue(look, task(1))).toEqual({ position: 1, waitSeconds: undefined });
});
