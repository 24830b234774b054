import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { Manifest } from "@atelier/schema/manifest";
import { afterEach, expect, test, vi } from "vitest";

import type { Task } from "../db/task.ts";
import { claimTask, renewLeases, rescueTasks, failLostTasks } from "../db/queries/leases.ts";
import { failTask, finishTask, moveTask } from "../db/queries/moves.ts";
import { openEnginePool } from "../engines/engine-pool.ts";
import type { EnginePool } from "../engines/engine-pool.ts";
import { limits } from "../limits.ts";
import { openLog } from "../log.ts";
import { startRescue } from "../maintenance/rescue.ts";
import type { ClaimRequest, TaskClaims } from "../tasks/claim-line.ts";
import { cancelTask } from "../tasks/cancel-task.ts";
import { findTask } from "../tasks/find-task.ts";
import { killTask } from "../tasks/kill-task.ts";
import { openOutbound } from "../outbound/outbound.ts";
import { openLocalTaskSource } from "../tasks/local-task-source.ts";
import { openReportLine } from "../tasks/report-line.ts";
import { manifest, openTaskWorld } from "../../../../tests/task-source/task-world.ts";
import type { TaskWorld } from "../../../../tests/task-source/task-world.ts";
import { drawOutputFolder } from "../secret-text.ts";
import { startWorker } from "./worker.ts";
import type { Worker } from "./worker.ts";

const fakeEngine = join(import.meta.dirname, "../../../../engines/fake/main.mjs");

/** A model whose file lies in one models folder and not in another. */
const weighty: Manifest = { ...manifest, id: "2", slug: "Weighty", variants: [{ name: "fake", engine: "fake", base: "weights", adapters: [] }] };

const worlds: TaskWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

async function setup() {
  const world = await openTaskWorld([manifest, weighty]);
  worlds.push(world);
  const { db, projectId, files, folder } = world;
  const logged: Record<string, unknown>[] = [];
  const log = openLog({ level: "info", pretty: false, destination: { write: (line) => void logged.push(JSON.parse(line) as Record<string, unknown>) } });

  const run = async (prompt: string, more: Record<string, unknown> = {}, model = manifest): Promise<{ id: string; token: string }> => {
    const input = { prompt, steps: 2, scale: 7.5, seed: 5, width: 64, height: 64, samples: 1, ...more };
    return world.run(input, model.slug);
  };
  const requests: ClaimRequest[] = [];
  const noted = (line: TaskClaims): TaskClaims => ({
    askAgain: () => line.askAgain(),
    claim: (request, options) => line.claim((requests.push(request), request), options),
  });
  /** How many engines were at work at once, at most. */
  const busy = { now: 0, most: 0 };
  type Settings = { hasRoom?: () => Promise<boolean>; reports?: typeof world.reports; freesPlacesEarly?: boolean };
  const work = async (modelFolder = folder, store = files, { reports = world.reports, freesPlacesEarly, ...more }: Settings = {}): Promise<Worker> => {
    const pool = openEnginePool([{ name: "fake", command: process.execPath, args: [fakeEngine] }], { threads: 1 });
    const engines: EnginePool = {
      ...pool,
      withEngine: (name, use) =>
        pool.withEngine(name, async (engine) => {
          busy.most = Math.max(busy.most, (busy.now += 1));
          return use(engine).finally(() => (busy.now -= 1));
        }),
    };
    const source = openLocalTaskSource({ ...world, files: store, claims: noted(world.claims), reports }, randomUUID());
    const worker = startWorker({
      source: freesPlacesEarly === undefined ? source : Object.assign(source, { freesPlacesEarly }),
      engines,
      folders: { modelFolders: [modelFolder] },
      outbound: openOutbound(),
      tempFolder: join(folder, "tmp"),
      log,
      slots: 1,
      drainMs: 300,
      ...more,
    });
    world.onClose(() => worker.drain());
    return worker;
  };
  /** Resolves when the task meets `condition`, woken by its events. */
  const until = async (id: string, condition: (task: Task) => boolean): Promise<Task> =>
    new Promise((resolve, reject) => {
      const check = async (): Promise<void> => {
        const task = await findTask({ db }, { projectId, id });
        if (task && condition(task)) resolve(task);
      };
      db.listen("atelier_event", () => void check().catch(reject)).then(check).catch(reject);
    });
  const ended = (id: string): Promise<Task> =>
    until(id, (task) => task.status === "task_postprocess_end" || task.status === "task_cancel");
  return { world, db, projectId, files, folder, logged, requests, busy, run, work, until, ended };
}

test("a task runs to its end: outputs stored, cost from its elapsed time, one ledger line, gap-free events", async () => {
  const { db, files, run, work, ended } = await setup();
  const { id } = await run("a planet", { samples: 2 });
  await work();
  const task = await ended(id);
  expect(task).toMatchObject({ status: "task_postprocess_end", pexit: "0", attempt: 1, variant: "fake" });
  expect(task.outputs.map((output) => output.name)).toEqual(["0.png", "1.png"]);
  const opened = await files.open(task.outputs[0]?.fileKey ?? "");
  opened?.stream.destroy();
  expect(opened?.sizeBytes).toBe(task.outputs[0]?.sizeBytes);
  expect(Number(task.totalCost)).toBeCloseTo(Number(task.elapsedSeconds) * 0.000585, 12);
  const ledger = await db.query<{ amount: string }>("select amount from ledger where task_id = $1", [id]);
  expect(ledger.rows).toEqual([{ amount: task.totalCost }]);
  const events = await db.query<{ seq: number; type: string }>("select seq, type from task_events where task_id = $1 order by seq", [id]);
  expect(events.rows.map((event) => event.seq)).toEqual(events.rows.map((_, index) => index + 1));
  expect(new Set(events.rows.map((event) => event.type))).toEqual(
    new Set([
      "task_queue", "task_accept", "task_preprocess_start", "task_preprocess_end", "task_assign", "task_start",
      "task_output", "task_output_full", "task_end", "task_postprocess_start", "task_postprocess_end",
    ]),
  );
});

test("a report that PostgreSQL refuses for a lock, as an operator may have asked for, is no failure of the engine", async () => {
  const { world, db, logged, run, work, until, ended } = await setup();
  const query = (...call: Parameters<typeof db.query>) =>
    db.transaction(async (tx) => {
      await tx.query("set local lock_timeout = '20ms'");
      return tx.query(...call);
    });
  const { id } = await run("stepMs=20", { steps: 30 });
  // Generic in its rows, as the database's own is.
  await work(undefined, undefined, { reports: openReportLine({ db: { query: query as typeof db.query } }) });
  await until(id, (task) => task.status === "task_output");
  await db.transaction(async (tx) => {
    await tx.query("select from tasks where id = $1 for update", [id]);
    await vi.waitFor(() => expect(logged.map(({ msg }) => msg)).toContain("task.attempt_failed"), { timeout: 20_000 });
  });
  await world.expireLeases();
  await world.rescue();
  expect(await ended(id)).toMatchObject({ pexit: "0", attempt: 2 });
  expect((await db.query("select engine_failures as failures, lost_leases as lost from tasks")).rows).toEqual([{ failures: 0, lost: 1 }]);
});

test("the log tells of each task that it was claimed, and how its run ended", async () => {
  const { logged, run, work, ended } = await setup();
  const [good, bad] = [await run("a planet", { samples: 2 }), await run("fail")];
  const worker = await work();
  await Promise.all([ended(good.id), ended(bad.id)]);
  await worker.drain();
  const told = (id: string) => logged.filter(({ taskId }) => taskId === id).map(({ time: _time, seconds: _seconds, ...line }) => line);
  const common = { level: "info", attempt: 1, model: "test/fake" };
  const claimed = { ...common, msg: "task.claimed" };
  expect(told(good.id)).toEqual([{ ...claimed, taskId: good.id }, { ...common, taskId: good.id, outputs: 2, msg: "task.ended" }]);
  expect(told(bad.id)).toEqual([{ ...claimed, taskId: bad.id }, { ...common, taskId: bad.id, code: "FAKE", mayRetry: false, msg: "task.failed" }]);
});

test("a killed task has pexit 137, no outputs and no cost, and its worker goes on with the next", async () => {
  const { db, projectId, run, work, until, ended } = await setup();
  const first = await run("stepMs=50", { steps: 1000 });
  await work();
  await until(first.id, (task) => task.status === "task_output");
  const killed = await killTask({ db }, { projectId, token: first.token });
  expect(killed).toMatchObject({ status: "task_cancel", pexit: "137", outputs: [] });
  expect(Number(killed.totalCost)).toBe(0);
  const second = await run("after");
  expect(await ended(second.id)).toMatchObject({ pexit: "0" });
  expect(await ended(first.id)).toMatchObject({ status: "task_cancel", pexit: "137", outputs: [] });
});

test("an engine that ignores cancel is terminated", async () => {
  const { db, projectId, run, work, until, ended } = await setup();
  const first = await run("ignoreCancel stepMs=50", { steps: 1000 });
  await work();
  await until(first.id, (task) => task.status === "task_output");
  await killTask({ db }, { projectId, id: first.id });
  const second = await run("after");
  expect(await ended(second.id)).toMatchObject({ pexit: "0" });
});

test("a failed run ends with pexit 1, its reason, no outputs and no cost", async () => {
  const { db, run, work, ended } = await setup();
  const { id } = await run("fail");
  await work();
  const task = await ended(id);
  expect(task).toMatchObject({ status: "task_postprocess_end", pexit: "1", debugError: "FAKE: asked to fail", outputs: [] });
  expect(Number(task.totalCost)).toBe(0);
  expect((await db.query("select 1 from ledger where task_id = $1", [id])).rows).toEqual([]);
});

test.each([
  ["crashes", "crashAt=1", "exit 3"],
  ["stops a run by itself", "cancelItself", "nobody had asked it to"],
])("an engine that %s is tried again, and only a bounded number of times", async (_, prompt, reason) => {
  const { run, work, ended } = await setup();
  const { id } = await run(prompt);
  await work();
  const task = await ended(id);
  expect(task).toMatchObject({ pexit: "1", attempt: limits.engineFailures });
  expect(task.debugError).toContain(reason);
});

test("an engine that fails for a reason that it did not foresee is tried again, and the last reason is kept", async () => {
  const { run, work, ended } = await setup();
  const { id } = await run("throw=EIO");
  await work();
  const task = await ended(id);
  expect(task).toMatchObject({ pexit: "1", attempt: limits.engineFailures });
  expect(task.debugError).toContain("ENGINE_FAILED: EIO: asked to throw");
});

test.each(["ENOSPC", "EDQUOT"])("an engine that finds no room (%s) costs its task no engine failure", async (code) => {
  const { db, run, work, until } = await setup();
  const { id } = await run(`throw=${code}`);
  const worker = await work();
  // Its lease runs out; nobody gives it back.
  await until(id, (task) => task.status === "task_start");
  await worker.drain();
  const { rows } = await db.query("select status, engine_failures from tasks where id = $1", [id]);
  expect(rows).toEqual([{ status: "task_start", engine_failures: 0 }]);
});

test.each([
  ["missing", "output 0 was named, but there is no such file"],
  ["twice", "output 0 was named twice"],
  ["beyond", "output 64 is beyond the limit of 64"],
  ["typeless", 'output 0 has the content type "picture", which is none'],
  ["large", "output 0 has 1073741825 bytes; it may have 1073741824 at most"],
])("an engine whose output cannot be one (%s) has failed, and the task says why", async (kind, reason) => {
  const { run, work, ended } = await setup();
  const { id } = await run(`output=${kind}`);
  await work();
  const task = await ended(id);
  expect(task).toMatchObject({ pexit: "1", attempt: limits.engineFailures, outputs: [] });
  expect(task.debugError).toContain(`OUTPUT_INVALID: ${reason}`);
});

test("what the database refuses to keep is no store that is away: the task fails with its words", async () => {
  const { db, world, run, work, ended } = await setup();
  await db.query("alter table outputs add constraint no_pictures check (size_bytes = 0)");
  const { id } = await run("x");
  await work();
  const task = await ended(id);
  expect(task).toMatchObject({ pexit: "1", attempt: limits.engineFailures });
  expect(task.debugError).toMatch(/OUTPUT_REFUSED: .*no_pictures/);
  expect(await world.storedFiles()).toEqual([]);
});

test("a worker without room in its temp folder claims nothing until there is some", async () => {
  const { requests, run, work, ended } = await setup();
  const { id } = await run("a planet");
  const claimsBefore: number[] = [];
  const hasRoom = async (): Promise<boolean> => claimsBefore.push(requests.length) > 2;
  await work(undefined, undefined, { hasRoom });
  expect(await ended(id)).toMatchObject({ pexit: "0" });
  expect(claimsBefore.slice(0, 3)).toEqual([0, 0, 0]);
});

test("an expired lease returns the task to the queue and refuses the late reports", async () => {
  const { db, projectId, run } = await setup();
  const { id } = await run("lost");
  const claimed = await claimTask(db, { workerId: "w1", models: ["test/fake"], leaseMs: -1 });
  const fence = { taskId: id, attempt: claimed?.attempt ?? 0, workerId: "w1" };
  expect(await rescueTasks(db, { lostLeases: 10, most: 10 })).toBe(1);
  expect(await findTask({ db }, { projectId, id })).toMatchObject({ status: "task_queue", attempt: 1 });
  expect(await moveTask(db, fence, { to: "task_start" })).toBe(false);
  const again = await claimTask(db, { workerId: "w1", models: ["test/fake"], leaseMs: 10_000 });
  expect(again?.attempt).toBe(2);
  expect(await moveTask(db, fence, { to: "task_assign" })).toBe(false);
  expect(await failTask(db, fence, { pexit: "1", debugError: "", debugOutput: "" })).toBe(false);
  expect(await finishTask(db, fence, { outputs: [], debugOutput: "", provenance: {} })).toBe(false);
});

test("a lease is renewed only for the attempts that the worker still works on", async () => {
  const { db, run } = await setup();
  await run("one");
  const claimed = await claimTask(db, { workerId: "w1", models: ["test/fake"], leaseMs: -1 });
  expect(await renewLeases(db, { workerId: "w1", leaseMs: 10_000, held: [] })).toEqual([]);
  const held = [{ id: claimed?.id ?? "", attempt: 1 }];
  expect(await renewLeases(db, { workerId: "w2", leaseMs: 10_000, held })).toEqual([]);
  expect(await renewLeases(db, { workerId: "w1", leaseMs: 10_000, held })).toEqual(held);
  expect(await rescueTasks(db, { lostLeases: 10, most: 10 })).toBe(0);
});

test("a task that loses its worker too often fails and says so", async () => {
  const { db, projectId, run } = await setup();
  const { id } = await run("lost");
  for (let round = 1; round <= 2; round += 1) {
    await claimTask(db, { workerId: "w1", models: ["test/fake"], leaseMs: -1 });
    await rescueTasks(db, { lostLeases: 3, most: 10 });
  }
  await claimTask(db, { workerId: "w1", models: ["test/fake"], leaseMs: -1 });
  expect(await rescueTasks(db, { lostLeases: 3, most: 10 })).toBe(0);
  expect(await failLostTasks(db, { lostLeases: 3, most: 10 })).toBe(1);
  const task = await findTask({ db }, { projectId, id });
  expect(task).toMatchObject({ status: "task_postprocess_end", pexit: "1", outputs: [] });
  expect(task?.debugError).toContain("lost 3 times");
});

test("Cancel works in the queue only, Kill in a worker's hands only, and the loser gets the contract's error", async () => {
  const { db, projectId, run } = await setup();
  const { id } = await run("waiting");
  await expect(killTask({ db }, { projectId, id })).rejects.toMatchObject({ code: "TASK_NOT_KILLABLE" });
  expect(await cancelTask({ db }, { projectId, id })).toMatchObject({ status: "task_cancel" });
  await expect(cancelTask({ db }, { projectId, id })).rejects.toMatchObject({ code: "TASK_NOT_CANCELLABLE" });
  expect(await claimTask(db, { workerId: "w1", models: ["test/fake"], leaseMs: 1000 })).toBeUndefined();
  const second = await run("leased");
  await claimTask(db, { workerId: "w1", models: ["test/fake"], leaseMs: 10_000 });
  await expect(cancelTask({ db }, { projectId, id: second.id })).rejects.toMatchObject({ code: "TASK_NOT_CANCELLABLE" });
});

test("another project's task is not found by id or token", async () => {
  const { db, run } = await setup();
  const { id, token } = await run("mine");
  for (const reference of [{ id }, { token }, { id, token }]) {
    expect(await findTask({ db }, { projectId: "999", ...reference })).toBeUndefined();
    await expect(killTask({ db }, { projectId: "999", ...reference })).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
    await expect(cancelTask({ db }, { projectId: "999", ...reference })).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
  }
});

test("a draining worker returns what it cannot end in time, without counting it as a failure", async () => {
  const { run, work, until } = await setup();
  const { id } = await run("stepMs=50", { steps: 2_000 });
  const worker = await work();
  await until(id, (task) => task.status === "task_output");
  await worker.drain();
  const task = await until(id, (now) => now.status === "task_queue");
  expect(task).toMatchObject({ attempt: 1, pexit: null, variant: null });
}, 30_000);

test("a NUL character in the engine's output does not keep a task from ending", async () => {
  const { run, work, ended } = await setup();
  const { id } = await run("printNul");
  await work();
  const task = await ended(id);
  expect(task.pexit).toBe("0");
  expect(task.debugOutput).toContain("\uFFFD");
});

test("a line of an engine's output that is cut within an emoji costs its task no try", async () => {
  const { run, work, ended } = await setup();
  const { id } = await run("printEmoji");
  await work();
  const task = await ended(id);
  expect(task).toMatchObject({ pexit: "0", attempt: 1 });
  expect(`${task.debugOutput}${task.debugError}`).toMatch(/x(\u{1F3A8})+\uFFFD\n/u);
});

test("workers that claim at the same time never take the same task", async () => {
  const { db, run } = await setup();
  for (let count = 0; count < 10; count += 1) await run(`task ${count}`);
  const claims = Array.from({ length: 20 }, async (_, index) =>
    claimTask(db, { workerId: `w${index}`, models: ["test/fake"], leaseMs: 10_000 }),
  );
  const claimed = (await Promise.all(claims)).flatMap((task) => (task ? [task.id] : []));
  expect(new Set(claimed).size).toBe(claimed.length);
  expect(claimed.length).toBe(10);
});

test("a worker with one slot runs one task at a time", async () => {
  const { busy, run, work, ended } = await setup();
  const ids = [];
  for (let count = 0; count < 3; count += 1) ids.push((await run("stepMs=20")).id);
  await work();
  for (const id of ids) await ended(id);
  expect(busy.most).toBe(1);
});

/** Reports of which no end is written before `write` is called. `ends` resolves when so many wait. */
function heldEnds(reports: TaskWorld["reports"]) {
  const waiting: (() => void)[] = [];
  let onEnd = (): void => undefined;
  const finish: typeof reports.finish = async (fence, end) => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      onEnd();
    });
    return reports.finish(fence, end);
  };
  const ends = async (count: number): Promise<void> => {
    while (waiting.length < count) await new Promise<void>((resolve) => (onEnd = resolve));
    // A claim that follows is sent by then.
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  };
  return { reports: { ...reports, finish }, ends, write: () => waiting.splice(0).forEach((end) => end()) };
}

test("a place is free while the end of its last run is written, until there are more such ends than places", async () => {
  const { world, run, work, ended } = await setup();
  const { reports, ends, write } = heldEnds(world.reports);
  const ids = [];
  for (let count = 0; count < 3; count += 1) ids.push((await run("a planet")).id);
  await work(undefined, undefined, { reports });
  await ends(2);
  // The third one is left to another worker.
  await work();
  expect(await ended(ids[2] ?? "")).toMatchObject({ pexit: "0" });
  write();
  for (const id of ids) expect(await ended(id)).toMatchObject({ pexit: "0" });
});

test("a source that frees no places early has the end written before the next claim", async () => {
  const { world, run, work, ended } = await setup();
  const { reports, ends, write } = heldEnds(world.reports);
  const [first, second] = [await run("one"), await run("two")];
  await work(undefined, undefined, { reports, freesPlacesEarly: false });
  await ends(1);
  await work();
  expect(await ended(second.id)).toMatchObject({ pexit: "0" });
  write();
  expect(await ended(first.id)).toMatchObject({ pexit: "0" });
});

test("of a project with a budget the next task begins when the end of the last one is written", async () => {
  const { world, db, projectId, run, work, ended } = await setup();
  await db.query("update projects set budget = 1000 where id = $1", [projectId]);
  const { reports, ends, write } = heldEnds(world.reports);
  const [first, second] = [await run("one"), await run("two")];
  await work(undefined, undefined, { reports });
  await ends(1);
  const other = await work();
  expect(await ended(second.id)).toMatchObject({ pexit: "0" });
  await other.drain();
  const third = await run("three");
  write();
  expect(await ended(first.id)).toMatchObject({ pexit: "0" });
  await ends(1);
  write();
  expect(await ended(third.id)).toMatchObject({ pexit: "0" });
});

test("the rescue returns expired tasks by itself", async () => {
  const { db, projectId, run } = await setup();
  const { id } = await run("lost");
  await claimTask(db, { workerId: "w1", models: ["test/fake"], leaseMs: -1 });
  let nowMs = 0;
  const rescue = startRescue({ db, log: openLog({ level: "silent", pretty: false }) }, () => nowMs);
  await rescue.runOnce();
  nowMs += 1_000;
  while (nowMs < limits.leaseMs) nowMs += (await rescue.runOnce(), 1_000);
  expect(await rescue.runOnce()).toBe(1);
  await rescue.stop();
  expect(await findTask({ db }, { projectId, id })).toMatchObject({ status: "task_queue" });
});

test("a worker without a model's files leaves its tasks to a worker that has them", async () => {
  const { run, folder, work, ended, until } = await setup();
  const waiting = await run("needs weights", {}, weighty);
  const later = await run("needs none");
  await work();
  await ended(later.id);
  const passedOver = await until(waiting.id, () => true);
  expect([passedOver.status, passedOver.attempt]).toEqual(["task_queue", 0]);
  const equipped = join(folder, "equipped");
  await mkdir(join(equipped, "weights"), { recursive: true });
  await work(equipped);
  expect((await ended(waiting.id)).pexit).toBe("0");
});

test("a worker says with its claim which models its engines have loaded", async () => {
  const { requests, run, work, ended } = await setup();
  const first = await run("a planet");
  await work();
  await ended(first.id);
  await ended((await run("another")).id);
  expect(requests.slice(0, 2).map(({ warm }) => warm)).toEqual([[], ["test/fake"]]);
});

test("a store that fails for a while costs a task no engine failure", async () => {
  const { world, files, run, work, ended } = await setup();
  let failures = 0;
  const put: typeof files.put = async (key, path) => {
    if (failures > limits.engineFailures) return files.put(key, path);
    failures += 1;
    // Its lease runs out afterwards, as time would have it.
    setImmediate(() => void world.expireLeases().then(() => world.rescue()));
    throw new Error("the bucket is away");
  };
  const { id } = await run("kept at last");
  await work(undefined, { ...files, put });
  expect(await ended(id)).toMatchObject({ pexit: "0", debugError: "" });
  expect(failures).toBe(limits.engineFailures + 1);
});

test("an input that cannot be read for a while costs a task no engine failure", async () => {
  const { world, files, run, work, ended } = await setup();
  const fileKey = await world.storeFile(`${drawOutputFolder()}/mine.png`, "my pixels");
  let failures = 0;
  const open: typeof files.open = async (key, range) => {
    if (failures > limits.engineFailures) return files.open(key, range);
    failures += 1;
    setImmediate(() => void world.expireLeases().then(() => world.rescue()));
    throw new Error("the bucket is away");
  };
  const { id } = await run("read at last", { image: [{ fileKey, name: "mine.png" }] });
  await work(undefined, { ...files, open });
  expect(await ended(id)).toMatchObject({ pexit: "0", debugError: "" });
  expect(failures).toBe(limits.engineFailures + 1);
});

test("an input whose file is gone fails its task at once, and says which", async () => {
  const { run, work, ended } = await setup();
  const { id } = await run("x", { image: [{ fileKey: `${drawOutputFolder()}/gone.png`, name: "gone.png" }] });
  await work();
  expect(await ended(id)).toMatchObject({ pexit: "1", attempt: 1, debugError: "INPUT_NOT_FETCHED: image: The file is gone." });
});
