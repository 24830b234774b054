// Places in the queue over HTTP, from the real queue.

import { afterAll, beforeEach, beforeAll, expect, it, vi } from "vitest";

import { claimTask } from "../../db/queries/leases.ts";
import { upsertWorker } from "../../db/queries/workers.ts";
import { limits } from "../../limits.ts";
import { startKeyPruning } from "../../maintenance/prune-keys.ts";
import { findTask } from "../../tasks/find-task.ts";
import { openStartEstimates } from "../../tasks/start-estimates.ts";
import { openWorkerPresence } from "../../tasks/worker-presence.ts";
import { startTestServer } from "../test-server.ts";
import type { TestServer } from "../test-server.ts";

const model = "atelier/starter";

interface Shown {
  readonly status: string;
  readonly queueposition?: string;
  readonly queueworkers?: string;
  readonly estimatedstarttime?: string;
  readonly estimatederrorseconds?: string;
}

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(() => server.db.query("truncate tasks, workers cascade"));

async function run(as = server.mine): Promise<string> {
  return (await server.post(`/v1/Run/${model}`, { prompt: "A lighthouse" }, as)).json<{ taskid: string }>().taskid;
}

async function detail(taskid: string, as = server.mine): Promise<Shown | undefined> {
  return (await server.post("/v1/Task/Detail", { taskid }, as)).json<{ tasklist?: Shown[] }>().tasklist?.[0];
}

const placesOf = async (ids: readonly string[]): Promise<(string | undefined)[]> => {
  const places: (string | undefined)[] = [];
  for (const id of ids) places.push((await detail(id))?.queueposition);
  return places;
};

/** A look may be as old as twenty times what it took. */
const seenSoon = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 20 });

/** Ends of the past: `count` runs of 20 seconds. */
async function remember(count: number): Promise<void> {
  await server.db.query(
    `insert into tasks (project_id, token, model, model_id, parameters, input, cps, output_folder_id, status, pexit, accepted_at, postprocess_ended_at)
     select id, 'past ' || n, $1, '1', '{}', '{}', 0, 'f', 'task_postprocess_end', '0', now() - interval '60 s', now() - interval '40 s'
       from projects, generate_series(1, $2::int) n where name = 'mine'`,
    [model, count],
  );
}

it("a waiting task shows its place, and one that waits no longer shows none", async () => {
  const ids = [await run(), await run(), await run()];
  await seenSoon(async () => expect(await placesOf(ids)).toEqual(["1", "2", "3"]));
  const claimed = await claimTask(server.db, { workerId: "w", models: [model], leaseMs: 60_000 });
  expect(claimed?.id).toBe(ids[0]);
  await seenSoon(async () => expect(await placesOf(ids)).toEqual([undefined, "1", "2"]));
  expect(Object.keys((await detail(ids[0] ?? "")) ?? {})).not.toContain("estimatedstarttime");
});

it("without a live worker the start cannot be told; with one it is told from the runs of the past", async () => {
  const ids = [await run(), await run(), await run()];
  expect(await detail(ids[2] ?? "")).toMatchObject({ queueworkers: "0", estimatedstarttime: "0", estimatederrorseconds: "" });
  await remember(3);
  await upsertWorker(server.db, { workerId: "other", models: ["test/other"], places: 1 });
  await upsertWorker(server.db, { workerId: "w", models: [model], places: 1 });
  await claimTask(server.db, { workerId: "w", models: [model], leaseMs: 60_000 });
  await seenSoon(async () => {
    const seconds = Number((await detail(ids[2] ?? ""))?.estimatedstarttime) - Date.now() / 1000;
    expect(seconds).toBeGreaterThan(30);
    expect(seconds).toBeLessThanOrEqual(41);
    expect((await detail(ids[2] ?? ""))?.queueworkers).toBe("1");
  });
});

it("a worker that was not seen for a while counts no more, and is forgotten", async () => {
  await remember(1);
  await upsertWorker(server.db, { workerId: "w", models: [model], places: 1 });
  const id = await run();
  await seenSoon(async () => expect((await detail(id))?.estimatedstarttime).not.toBe("0"));
  await server.db.query("update workers set seen_at = now() - interval '31 s'");
  await seenSoon(async () => expect((await detail(id))?.estimatedstarttime).toBe("0"));
  const pruning = startKeyPruning({ db: server.db, log: server.context.log });
  expect(await pruning.runOnce()).toBe(1);
  await pruning.stop();
});

it("after ten starts an estimate says how far the others were off", async () => {
  await remember(1);
  await upsertWorker(server.db, { workerId: "w", models: [model], places: 1 });
  const first = await run();
  await seenSoon(async () => expect((await detail(first))?.estimatedstarttime).not.toBe("0"));
  for (let n = 0; n < 11; n += 1) {
    const id = await run();
    // Estimated to start at once; it starts after a second.
    await detail(id);
    await server.db.query("update tasks set status = 'task_accept', worker_id = 'x', accepted_at = now() + interval '1 s' where id = $1", [id]);
    await detail(id);
  }
  await claimTask(server.db, { workerId: "w", models: [model], leaseMs: 60_000 });
  const id = [await run(), await run()][1] ?? "";
  await seenSoon(async () => expect((await detail(id))?.estimatederrorseconds).toMatch(/^[0-9]+\.[0-9]$/));
});

it("another project's turns count, and its tasks are not told to anybody else", async () => {
  const theirs = [await run(server.other), await run(server.other), await run(server.other)];
  const mine = await run();
  await server.db.query("update project_usage set last_claim_at = now() where project_id = $1", [server.mine.projectid]);
  await server.db.query("update project_usage set last_claim_at = now() - interval '1 min' where project_id = $1", [server.other.projectid]);
  await seenSoon(async () => expect((await detail(mine))?.queueposition).toBe("2"));
  expect(await detail(theirs[0] ?? "")).toBeUndefined();
});

it("what a worker offers is written at once when it is new, and then now and then", async () => {
  let now = 0;
  const presence = openWorkerPresence({ db: server.db, clock: () => now });
  const seen = async () => (await server.db.query<{ models: string[]; at: Date }>("select models, seen_at as at from workers")).rows;
  const forget = () => server.db.query("update workers set seen_at = 'epoch'");
  presence.offer({ workerId: "w", models: ["a/b"], places: 1 });
  await vi.waitFor(async () => expect((await seen())[0]?.models).toEqual(["a/b"]));
  await forget();
  presence.offer({ workerId: "w", models: ["a/b"], places: 1 });
  presence.touch("w");
  presence.offer({ workerId: "w2", models: [], places: 1 });
  await vi.waitFor(async () => expect(await seen()).toHaveLength(2));
  expect((await seen()).map(({ at }) => at.getTime())).toContain(0);
  now += 5_000;
  presence.touch("w");
  await vi.waitFor(async () => expect((await seen()).map(({ at }) => at.getTime())).not.toContain(0));
});

it("estimates are learnt from though nobody asked again about as many tasks as are remembered", async () => {
  await remember(1);
  await upsertWorker(server.db, { workerId: "w", models: [model], places: 1 });
  await run();
  await claimTask(server.db, { workerId: "w", models: [model], leaseMs: 60_000 });
  const waiting = await findTask(server.context, { projectId: server.mine.projectid, id: await run() });
  if (!waiting) throw new Error("there is no task");
  const starts = openStartEstimates(server);
  const tasks = Array.from({ length: limits.startEstimates + 10 }, (_, at) => ({ ...waiting, id: String(1_000_000 + at) }));
  for (const task of tasks) await starts.of(task);
  const accepted = new Date(Date.now() + 60_000);
  for (const task of tasks.slice(-10)) starts.learnFrom({ ...task, times: { ...task.times, accepted } });
  expect((await starts.of(waiting)).errorSeconds).toBeDefined();
});

it.each([
  ["fails", () => Promise.reject(new Error("no look"))],
  ["does not end", () => new Promise<never>(() => undefined)],
])("a look at the queue that %s leaves the place out of Detail and nothing else", async (_what, of) => {
  const other = await startTestServer({ starts: { of, learnFrom: () => undefined } });
  try {
    const { taskid } = (await other.post(`/v1/Run/${model}`, { prompt: "A lighthouse" })).json<{ taskid: string }>();
    const [shown] = (await other.post("/v1/Task/Detail", { taskid })).json<{ tasklist: Shown[] }>().tasklist;
    expect(shown).toMatchObject({ status: "task_queue" });
    expect(Object.keys(shown ?? {}).filter((name) => /^(queueposition|estimated)/.test(name))).toEqual([]);
  } finally {
    await other.stop();
  }
});
