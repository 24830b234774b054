import { afterAll, beforeAll, expect, it } from "vitest";

import { createTestDatabase } from "../test-database.ts";
import type { TestDatabase } from "../test-database.ts";
import { selectNews } from "./events.ts";
import { claimTask, renewLeases } from "./leases.ts";
import type { Fence } from "./moves.ts";
import { finishTasks, moveTasks } from "./moves-of-many.ts";
import { insertProject, insertTask } from "../test-task.ts";

let test: TestDatabase;
let projectId: string;
beforeAll(async () => {
  test = await createTestDatabase();
  projectId = await insertProject(test.db);
});
afterAll(() => test.drop());

const workerId = "worker";
let tokens = 0;

async function claimed(prices: { cps: string; requestPrice?: string; outputPrice?: string } = { cps: "0.5" }): Promise<Fence> {
  tokens += 1;
  const task = { projectId, token: `token${tokens}`, model: "test/fake", modelId: "1", parameters: {}, input: {}, callbackUrl: "" };
  await insertTask(test.db, { ...task, ...prices, outputFolderId: "f" });
  const claim = await claimTask(test.db, { workerId, models: ["test/fake"], leaseMs: 600_000 });
  return { taskId: claim?.id ?? "", attempt: claim?.attempt ?? 0, workerId };
}

const toStart = (["task_preprocess_start", "task_preprocess_end", "task_assign", "task_start"] as const).map((to) => ({ to }));
const toEnd = (["task_output_full", "task_end", "task_postprocess_start"] as const).map((to) => ({ to }));

async function eventsOf(fence: Fence) {
  const [news] = await selectNews(test.db, [{ taskId: fence.taskId, afterSeq: 0 }], 100);
  return news?.events ?? [];
}

it("moves each task by its own steps, numbers their events without a gap, and stamps every step's time", async () => {
  const [first, second] = [await claimed(), await claimed()];
  const moved = await moveTasks(test.db, [
    { fence: first, moves: [...toStart, { to: "task_output", data: { step: 1 } }] },
    { fence: second, moves: [{ to: "task_assign", variant: "fake" }] },
  ]);
  expect(moved).toEqual([true, true]);
  const events = await eventsOf(first);
  expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(events.slice(2).map(({ type }) => type)).toEqual([...toStart.map(({ to }) => to), "task_output"]);
  expect(events.map(({ data }) => data)).toEqual([null, null, null, null, null, null, { step: 1 }]);
  const { rows } = await test.db.query<{ stamped: boolean; variant: string | null }>(
    `select preprocess_started_at is not null and preprocess_ended_at is not null and assigned_at is not null
            and started_at is not null and ended_at is null as stamped, variant
       from tasks where id = any($1) order by id`,
    [[first.taskId, second.taskId]],
  );
  expect(rows).toEqual([
    { stamped: true, variant: null },
    { stamped: false, variant: "fake" },
  ]);
});

it("leaves alone whatever a fence or a status does not match, and moves the others", async () => {
  const [good, late] = [await claimed(), await claimed()];
  const moved = await moveTasks(test.db, [
    { fence: { ...late, attempt: late.attempt + 1 }, moves: toStart },
    { fence: { ...late, workerId: "another" }, moves: toStart },
    { fence: good, moves: toStart },
  ]);
  expect(moved).toEqual([false, false, true]);
  expect(await moveTasks(test.db, [{ fence: good, moves: toStart }])).toEqual([false]);
  expect(await eventsOf(late)).toHaveLength(2);
  expect(await eventsOf(good)).toHaveLength(6);
});

it("refuses a path that no task may take, and no path, without harm to the others", async () => {
  const [wrong, none, good] = [await claimed(), await claimed(), await claimed()];
  const moved = await moveTasks(test.db, [
    { fence: wrong, moves: [{ to: "task_assign" }, { to: "task_preprocess_start" }] },
    { fence: none, moves: [] },
    { fence: good, moves: toStart },
  ]);
  expect(moved).toEqual([false, false, true]);
  expect(await eventsOf(wrong)).toHaveLength(2);
});

it("finishes many with their outputs and ledger lines, and none whose fence is lost", async () => {
  const [first, second] = [await claimed(), await claimed()];
  await moveTasks(test.db, [first, second].map((fence) => ({ fence, moves: [...toStart, ...toEnd] })));
  const output = (id: string) => ({ id, position: 0, name: "0.png", contentType: "image/png", sizeBytes: 1, accessKey: id, fileKey: id });
  const finish = (id: string) => ({ outputs: [output(id)], debugOutput: "log", provenance: { variant: "fake" } });
  expect(
    await finishTasks(test.db, [
      { fence: { ...second, attempt: 9 }, finish: finish("stranger") },
      { fence: first, finish: finish("mine") },
    ]),
  ).toEqual([false, true]);
  const { rows } = await test.db.query<{ outputs: string[]; lines: number }>(
    `select array_agg(distinct o.id) as outputs, count(distinct l.task_id)::int as lines
       from outputs o left join ledger l on l.task_id = o.task_id where o.task_id = any($1)`,
    [[first.taskId, second.taskId]],
  );
  expect(rows).toEqual([{ outputs: ["mine"], lines: 1 }]);
});

it("charges a run for itself, for each output, and for one output where it has none", async () => {
  const fences = [
    await claimed({ cps: "0", requestPrice: "0.5" }),
    await claimed({ cps: "0", outputPrice: "0.03" }),
    await claimed({ cps: "0", outputPrice: "0.03" }),
  ];
  await moveTasks(test.db, fences.map((fence) => ({ fence, moves: [...toStart, ...toEnd] })));
  const outputsOf = (count: number, name: string) =>
    Array.from({ length: count }, (_, at) => ({ id: `${name}${at}`, position: at, name: `${at}.png`, contentType: "image/png", sizeBytes: 1, accessKey: `${name}${at}`, fileKey: `${name}${at}` }));
  const ended = fences.map((fence, at) => ({ fence, finish: { outputs: outputsOf([2, 3, 0][at] ?? 0, `priced${at}-`), debugOutput: "", provenance: {} } }));
  expect(await finishTasks(test.db, ended)).toEqual([true, true, true]);
  const { rows } = await test.db.query<{ cost: string }>(
    "select trim_scale(t.total_cost)::text as cost from tasks t join ledger l on l.task_id = t.id and l.amount = t.total_cost where t.id = any($1) order by t.id",
    [fences.map(({ taskId }) => taskId)],
  );
  expect(rows.map(({ cost }) => cost)).toEqual(["0.5", "0.09", "0.03"]);
});

it("reports and heartbeats on the same tasks in opposite orders do not wait for each other", async () => {
  const fences: Fence[] = [];
  for (let at = 0; at < 8; at += 1) fences.push(await claimed());
  await moveTasks(test.db, fences.map((fence) => ({ fence, moves: toStart })));
  const held = fences.map(({ taskId, attempt }) => ({ id: taskId, attempt })).toReversed();
  const rounds = Array.from({ length: 40 }, (_, step) => [
    moveTasks(test.db, fences.toReversed().map((fence) => ({ fence, moves: [{ to: "task_output", data: { step } }] }))),
    renewLeases(test.db, { workerId, leaseMs: 600_000, held }),
  ]);
  const answers = await Promise.all(rounds.flat());
  expect(answers.every((answer) => answer.length === fences.length)).toBe(true);
});
