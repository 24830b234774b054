// What every task source promises a worker, as one suite that each adapter runs.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { afterEach, beforeEach, expect, test } from "vitest";

import { limits } from "../../packages/server/src/limits.ts";
import { cancelTask } from "../../packages/server/src/tasks/cancel-task.ts";
import { killTask } from "../../packages/server/src/tasks/kill-task.ts";
import type { AssignedTask, FinishedRun, Lease, TaskSource } from "../../packages/server/src/tasks/task-source.ts";
import { drawIn, openTaskWorld, testModel } from "./task-world.ts";
import type { TaskWorld } from "./task-world.ts";

export interface SourceAdapter {
  /** A source for one more worker on the world's tasks. It is closed with the world. */
  open(world: TaskWorld): Promise<TaskSource>;
}

const never = new AbortController().signal;
const offer = { free: 1, models: [testModel], held: [] };
const failed = { mayRetry: false, debugError: "E: no", debugOutput: "said" };
const ending = [{ status: "task_output_full" }, { status: "task_end" }, { status: "task_postprocess_start" }] as const;
const unknownLease = { taskId: "999999", attempt: 1 };

export function exerciseTaskSource(adapter: SourceAdapter): void {
  let world: TaskWorld;
  let source: TaskSource;

  beforeEach(async () => {
    world = await openTaskWorld();
    source = await adapter.open(world);
  });
  afterEach(() => world.close());

  const claim = async (from = source): Promise<AssignedTask> => {
    const [task] = await from.claim(offer, never);
    if (!task) throw new Error("nothing was claimed");
    return task;
  };
  const start = async (lease: Lease): Promise<void> => {
    const statuses = ["task_preprocess_start", "task_preprocess_end", "task_assign", "task_start"] as const;
    expect(await source.report(lease, statuses.map((status) => ({ status })))).toBe(true);
  };
  const drawn = (count = 1): Promise<FinishedRun> => drawIn(world.folder, count);
  const claimed = async (): Promise<{ id: string; task: AssignedTask }> => {
    const { id } = await world.run();
    return { id, task: await claim() };
  };
  const started = async (): Promise<{ id: string; task: AssignedTask }> => {
    const found = await claimed();
    await start(found.task);
    return found;
  };
  const ranToEnd = async (): Promise<{ id: string; task: AssignedTask }> => {
    const found = await started();
    expect(await source.report(found.task, ending)).toBe(true);
    return found;
  };
  /** Every report that a worker can make about a task that may no longer be its own. */
  const everyReport = async (lease: Lease): Promise<Record<string, boolean>> => ({
    report: await source.report(lease, [{ status: "task_preprocess_start" }]),
    finish: await source.finish(lease, await drawn()),
    fail: await source.fail(lease, failed),
    failAndRetry: await source.fail(lease, { ...failed, mayRetry: true }),
    putBack: await source.putBack(lease),
    readInput: await source.readInput(lease, "any", join(world.folder, "input")),
  });
  const allRefused = { report: false, finish: false, fail: false, failAndRetry: false, putBack: false, readInput: false };

  test("a source tells which models it has", async () => {
    expect((await source.models()).map((manifest) => manifest.slug)).toEqual(["Fake", "cold", "base", "warm"]);
  });

  test("a claimed task comes with its model and its input, and is leased", async () => {
    const { id } = await world.run({ prompt: "a planet" });
    const task = await claim();
    expect(task).toMatchObject({ taskId: id, attempt: 1, model: testModel, manifest: { slug: "Fake" } });
    expect(task.input).toMatchObject({ prompt: "a planet" });
    expect(await world.task(id)).toMatchObject({ status: "task_accept", attempt: 1 });
  });

  test("a claim waits for a task and gets it at once when it comes", async () => {
    const waiting = source.claim(offer, never);
    const { id } = await world.run();
    expect(await waiting).toMatchObject([{ taskId: id }]);
  });

  test("a claim ends without a task when its signal is aborted", async () => {
    const stop = new AbortController();
    const waiting = source.claim(offer, stop.signal);
    stop.abort();
    expect(await waiting).toEqual([]);
  });

  test("a task of a model that was not offered is not given", async () => {
    const { id } = await world.run();
    const stop = new AbortController();
    const others = source.claim({ models: ["test/other"], free: 1, held: [] }, stop.signal);
    const [task] = await (await adapter.open(world)).claim(offer, never);
    expect(task?.taskId).toBe(id);
    stop.abort();
    expect(await others).toEqual([]);
  });

  test("what the database would refuse again is told apart from a server that is away, and is not kept", async () => {
    const { task } = await ranToEnd();
    await world.db.query("alter table outputs add constraint no_pictures check (size_bytes = 0)");
    await expect(source.finish(task, await drawn())).rejects.toMatchObject({ code: "WORKER_MESSAGE_INVALID", cause: { message: expect.stringContaining("no_pictures") } });
    expect((await world.storedFiles()).filter((name) => name === "0.png")).toEqual([]);
  });

  test("a log that is longer than what is kept of it may end in half an emoji", async () => {
    const { id, task } = await ranToEnd();
    const debugOutput = `x${"\u{1F3A8}".repeat(limits.debugCharacters / 2)}`;
    expect(await source.finish(task, { ...(await drawn()), debugOutput })).toBe(true);
    expect((await world.task(id))?.pexit).toBe("0");
  });

  test("reports move the task in their order, with what they carry, and its run ends with its outputs", async () => {
    const { id, task } = await started();
    const progress = { status: "task_output", data: { step: 1, stepTotal: 2 } } as const;
    expect(await source.report(task, [progress, ...ending])).toBe(true);
    expect(await source.finish(task, await drawn(2))).toBe(true);
    const ended = await world.task(id);
    expect(ended).toMatchObject({ status: "task_postprocess_end", pexit: "0", debugOutput: "said", provenance: { engine: "fake" } });
    expect(ended?.outputs).toMatchObject([
      { name: "0.png", contentType: "image/png", sizeBytes: 9 },
      { name: "1.png", contentType: "image/png", sizeBytes: 9 },
    ]);
    for (const [index, output] of (ended?.outputs ?? []).entries()) {
      const opened = await world.files.open(output.fileKey);
      expect(opened && (await text(opened.stream))).toBe(`picture ${index}`);
    }
    expect(await world.eventTypes(id)).toEqual([
      "task_queue", "task_accept", "task_preprocess_start", "task_preprocess_end", "task_assign", "task_start", "task_output",
      "task_output_full", "task_end", "task_postprocess_start", "task_postprocess_end",
    ]);
    expect(await world.progressOf(id)).toEqual([progress.data]);
  });

  test("a run's last reports are written before its end, and what of it is over by then changes nothing", async () => {
    const { id, task } = await started();
    const reports = [{ status: "task_output", data: { step: 2 } }, ...ending] as const;
    expect(await source.finish(task, { ...(await drawn()), reports })).toBe(true);
    expect(await world.task(id)).toMatchObject({ status: "task_postprocess_end", pexit: "0" });
    expect((await world.eventTypes(id)).slice(-5)).toEqual(["task_output", ...ending.map(({ status }) => status), "task_postprocess_end"]);
    expect(await source.finish(task, { ...(await drawn()), reports })).toBe(false);
  });

  test("a run whose last reports do not reach the end is not ended", async () => {
    const { id, task } = await started();
    expect(await source.finish(task, { ...(await drawn()), reports: [{ status: "task_output" }] })).toBe(false);
    expect(await world.task(id)).toMatchObject({ pexit: null, outputs: [] });
  });

  test("a model that the worker has loaded is given before one that it has not, and one of the same base before others", async () => {
    for (const model of ["cold", "base", "warm"]) await world.run({ prompt: "x" }, model);
    const models = ["test/cold", "test/base", "test/warm"];
    const order: string[] = [];
    for (const _ of models) {
      const [task] = await source.claim({ free: 1, models, warm: ["test/warm"], warmBases: ["test/base"], held: [] }, never);
      order.push(task?.model ?? "none");
    }
    expect(order).toEqual(["test/warm", "test/base", "test/cold"]);
  });

  test("a report that the status does not allow changes nothing, nor do those after it", async () => {
    const { id, task } = await claimed();
    expect(await source.report(task, [{ status: "task_end" }, { status: "task_preprocess_start" }])).toBe(false);
    expect(await world.task(id)).toMatchObject({ status: "task_accept" });
  });

  test("a failed run ends its task with the reason", async () => {
    const { id, task } = await started();
    expect(await source.fail(task, failed)).toBe(true);
    expect(await world.task(id)).toMatchObject({ pexit: "1", debugError: "E: no", debugOutput: "said", outputs: [] });
  });

  test("a broken engine's task is given again, a bounded number of times", async () => {
    const { id } = await world.run();
    for (let attempt = 1; attempt <= limits.engineFailures; attempt += 1) {
      const task = await claim();
      expect(task.attempt).toBe(attempt);
      expect(await source.fail(task, { ...failed, mayRetry: true })).toBe(true);
    }
    const ended = await world.task(id);
    expect(ended).toMatchObject({ status: "task_postprocess_end", pexit: "1" });
    expect(ended?.debugError).toContain("E: no");
  });

  test("a task that is put back waits again, and a later attempt gets it", async () => {
    const { id, task } = await claimed();
    expect(await source.putBack(task)).toBe(true);
    expect(await world.task(id)).toMatchObject({ status: "task_queue" });
    expect(await claim()).toMatchObject({ taskId: id, attempt: 2 });
    expect(await everyReport(task)).toEqual(allRefused);
  });

  test("the last failure is kept when the task is put back, and when its workers are lost for good", async () => {
    const { id } = await world.run();
    expect(await source.fail(await claim(), { ...failed, mayRetry: true })).toBe(true);
    expect(await source.putBack(await claim())).toBe(true);
    expect((await world.task(id))?.debugError).toContain("E: no");
    for (let lost = 1; lost <= limits.lostLeases; lost += 1) {
      await claim();
      await world.expireLeases();
      expect(await world.rescue()).toBe(1);
    }
    expect(await world.task(id)).toMatchObject({ status: "task_postprocess_end", pexit: "1" });
    expect((await world.task(id))?.debugError).toMatch(/lost 10 times.*The last failure before: E: no/s);
  });

  test("a renewal keeps a lease alive and tells which ones are lost", async () => {
    const { task } = await claimed();
    await world.expireLeases();
    expect((await source.renew([task, unknownLease])).map((lease) => lease.taskId)).toEqual([task.taskId]);
    expect(await world.rescue()).toBe(0);
    await world.expireLeases();
    expect(await world.rescue()).toBe(1);
    expect(await source.renew([task])).toEqual([]);
  });

  test("after a rescue every late report is refused and leaves no file", async () => {
    const { id, task } = await ranToEnd();
    await world.expireLeases();
    await world.rescue();
    expect(await everyReport(task)).toEqual(allRefused);
    expect(await world.task(id)).toMatchObject({ status: "task_queue", outputs: [] });
    expect(await world.storedFiles()).toEqual([]);
  });

  test("another worker's lease cannot be used", async () => {
    await world.run();
    const task = await claim(await adapter.open(world));
    expect(await everyReport(task)).toEqual(allRefused);
    expect(await source.renew([task])).toEqual([]);
    expect(await world.task(task.taskId)).toMatchObject({ status: "task_accept" });
  });

  test("a watch ends with the lease that was killed, and every report about it is refused", async () => {
    const { id, token } = await world.run();
    await world.run();
    const [task, other] = [await claim(), await claim()];
    const watching = source.watch([task, other], never);
    await killTask(world, { projectId: world.projectId, token });
    expect((await watching).map((lease) => lease.taskId)).toEqual([id]);
    expect(await source.renew([task, other])).toMatchObject([{ taskId: other.taskId }]);
    expect(await everyReport(task)).toEqual(allRefused);
    expect(await world.task(id)).toMatchObject({ status: "task_cancel", pexit: "137", outputs: [] });
  });

  test("a watch that begins after the kill ends with it, too", async () => {
    const { id, task } = await claimed();
    await killTask(world, { projectId: world.projectId, id });
    expect(await source.watch([task], never)).toMatchObject([{ taskId: id }]);
  });

  test("a watch ends with nothing when its signal is aborted", async () => {
    const { task } = await claimed();
    const stop = new AbortController();
    const watching = source.watch([task], stop.signal);
    stop.abort();
    expect(await watching).toEqual([]);
  });

  test("a cancelled task is not given", async () => {
    const first = await world.run();
    await cancelTask(world, { projectId: world.projectId, id: first.id });
    const second = await world.run();
    expect((await claim()).taskId).toBe(second.id);
  });

  test("a worker reads the files that its task's input names, and no others", async () => {
    const [mine, other] = [await world.storeFile("in/mine.png", "my pixels"), await world.storeFile("in/other.png", "theirs")];
    await world.run({ prompt: "x", inputImage: [mine] });
    const task = await claim();
    const path = join(world.folder, "fetched");
    expect(await source.readInput(task, mine, path)).toBe(true);
    expect(await readFile(path, "utf8")).toBe("my pixels");
    await expect(source.readInput(task, other, path)).rejects.toMatchObject({ code: "WORKER_INPUT_MISSING" });
    expect(await source.putBack(task)).toBe(true);
    expect(await source.readInput(task, mine, path)).toBe(false);
  });

  test("two workers never get the same task", async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, async () => (await world.run()).id));
    const others = await Promise.all([adapter.open(world), adapter.open(world)]);
    const twice = async (from: TaskSource): Promise<AssignedTask[]> => [await claim(from), await claim(from)];
    const claimed = (await Promise.all([source, ...others].map(twice))).flat();
    expect(claimed.map((task) => task.taskId).toSorted()).toEqual(ids.toSorted());
  });
}
