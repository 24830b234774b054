import { afterEach, expect, test } from "vitest";

import { limits } from "../../limits.ts";
import { createTestDatabase } from "../test-database.ts";
import { insertProject } from "../test-task.ts";
import { claimStatement } from "./claim-statement.ts";
import { killLeasedTask } from "./endings.ts";
import { askForTasks, claimTask, claimTasks, failLostTasks, rescueTasks } from "./leases.ts";
import type { Claim, ClaimedTask } from "./leases.ts";
import { failTask, returnTask } from "./moves.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function setup() {
  const { db, drop } = await createTestDatabase();
  cleanups.push(drop);
  const addProject = (limited?: Parameters<typeof insertProject>[1]) => insertProject(db, limited);
  /** Waiting tasks of a project, older first. `agoMs`: how long they have waited. */
  const addTasks = async (projectId: string, count: number, more: { model?: string; agoMs?: number } = {}): Promise<string[]> => {
    const { rows } = await db.query<{ id: string }>(
      `insert into tasks (project_id, token, model, model_id, status, parameters, input, cps, output_folder_id, last_event_seq, created_at)
       select $1, gen_random_uuid()::text, $3, '1', 'task_queue', '{}', '{}', 0, '0', 1, now() - $4 * interval '1 millisecond'
         from generate_series(1, $2) returning id`,
      [projectId, count, more.model ?? "test/fake", more.agoMs ?? 0],
    );
    return rows.map((row) => row.id);
  };
  const claim = (workerId = "w", more: Partial<Claim> = {}): Promise<ClaimedTask | undefined> =>
    claimTask(db, { workerId, models: ["test/fake"], leaseMs: 60_000, ...more });
  const end = (task: ClaimedTask, workerId = "w"): Promise<boolean> =>
    failTask(db, { taskId: task.id, attempt: task.attempt, workerId }, { pexit: "1", debugError: "", debugOutput: "" });
  const projectOf = async (task: ClaimedTask | undefined): Promise<string | undefined> =>
    (await db.query<{ project_id: string }>("select project_id from tasks where id = $1", [task?.id])).rows[0]?.project_id;
  const countLeased = async (projectId: string): Promise<number | undefined> =>
    (await db.query<{ count: number }>(
      `select count(*)::int as count from tasks where project_id = $1 and phase = 'leased'`,
      [projectId],
    )).rows[0]?.count;
  return { db, addProject, addTasks, claim, end, projectOf, countLeased };
}

test("of many claims at once, as many as the project's running limit succeed", async () => {
  const { addProject, addTasks, claim, countLeased } = await setup();
  const limited = await addProject({ running_limit: 3 });
  await addTasks(limited, 50);
  const claimed = await Promise.all(Array.from({ length: 12 }, (_, n) => claim(`w${n}`)));
  expect(claimed.filter((task) => task !== undefined)).toHaveLength(3);
  expect(await countLeased(limited)).toBe(3);
});

test("claims that come at once take different tasks, and none leaves empty-handed while tasks wait", async () => {
  const { addProject, addTasks, claim } = await setup();
  await addTasks(await addProject(), 6);
  await addTasks(await addProject(), 6);
  const claimed = await Promise.all(Array.from({ length: 12 }, (_, n) => claim(`w${n}`)));
  expect(new Set(claimed.map((task) => task?.id)).size).toBe(12);
  expect(claimed).not.toContain(undefined);
});

test("the running limit holds at every moment while workers claim and end tasks side by side", async () => {
  const { db, addProject, addTasks, claim, end } = await setup();
  const projects = [await addProject({ running_limit: 1 }), await addProject({ running_limit: 2 }), await addProject()];
  for (const project of projects) await addTasks(project, 40);
  // The database itself looks at each claim, so that no moment is missed; what it counts is what is committed then.
  await db.query(`create function check_limit() returns trigger language plpgsql as $$ begin
      if (select count(*) from tasks where project_id = new.project_id and phase = 'leased')
         > (select running_limit from projects where id = new.project_id) then raise 'over the limit'; end if;
      return null; end $$`);
  await db.query(`create trigger check_limit after update of claims on project_usage for each row execute function check_limit()`);
  const work = async (workerId: string): Promise<void> => {
    let idle = 0;
    while (idle < 3) {
      const task = await claim(workerId);
      if (task) await end(task, workerId);
      else idle += 1;
    }
  };
  await Promise.all(["a", "b", "c", "d", "e", "f"].map(work));
  while (true) {
    const task = await claim();
    if (!task) break;
    await end(task);
  }
  const { rows } = await db.query("select from tasks where phase <> 'finished'");
  expect(rows).toEqual([]);
});

test("every way in which a lease ends gives its place back", async () => {
  const { db, addProject, addTasks, claim, end, countLeased } = await setup();
  const project = await addProject({ running_limit: 1 });
  await addTasks(project, 6);
  const lose = (id: string) => db.query(`update tasks set lease_expires_at = now() - interval '1 second' where id = $1`, [id]);
  const endings: ((task: ClaimedTask) => Promise<unknown>)[] = [
    (task) => end(task),
    (task) => killLeasedTask(db, task.id),
    (task) => returnTask(db, { taskId: task.id, attempt: task.attempt, workerId: "w" }, { engineFailed: true, debugError: "" }),
    async (task) => {
      await lose(task.id);
      await rescueTasks(db, { lostLeases: 10, most: 10 });
    },
    async (task) => {
      await lose(task.id);
      await failLostTasks(db, { lostLeases: 1, most: 10 });
    },
  ];
  for (const ending of endings) {
    const task = await claim();
    expect(await claim()).toBeUndefined();
    if (task) await ending(task);
    expect(await countLeased(project)).toBe(0);
  }
});

test("two passes of the rescue over tasks of the same projects do not wait for each other", async () => {
  const { db, addProject, addTasks, claim } = await setup();
  const projects = [await addProject(), await addProject(), await addProject()];
  for (let round = 0; round < 5; round += 1) {
    for (const project of [...projects, ...projects.toReversed()]) await addTasks(project, 4);
    while (await claim()) continue;
    await db.query(`update tasks set lease_expires_at = now() - random() * interval '1 second' where phase = 'leased'`);
    const passes = Array.from({ length: 6 }, () => rescueTasks(db, { lostLeases: 1_000, most: 7 }));
    await Promise.all(passes);
  }
});

test("a project with 1,000 waiting tasks delays another's first task by one running task of each worker at most", async () => {
  const { addProject, addTasks, claim, end, projectOf } = await setup();
  const [large, small] = [await addProject(), await addProject()];
  await addTasks(large, 1_000, { agoMs: 3_600_000 });
  const workers = ["w1", "w2", "w3"];
  const held = new Map<string, ClaimedTask>();
  for (const worker of workers) {
    const task = await claim(worker);
    if (task) held.set(worker, task);
  }
  const [first] = await addTasks(small, 1);
  // Whichever worker is free first takes it, so that it waits for no task that had not begun before it came.
  const [worker = "", running] = [...held].at(1) ?? [];
  if (running) await end(running, worker);
  const next = await claim(worker);
  expect(next?.id).toBe(first);
  // And the shares stay equal while both have work: of the next 20 turns, ten each.
  await addTasks(small, 20);
  const served: (string | undefined)[] = [];
  const places = [...held].filter(([name]) => name !== worker).concat(next ? [[worker, next]] : []);
  for (let turn = 0; turn < 20; turn += 1) {
    const [name = "", task] = places.shift() ?? [];
    if (task) await end(task, name);
    const taken = await claim(name);
    served.push(await projectOf(taken));
    if (taken) places.push([name, taken]);
  }
  expect(served.filter((project) => project === small).length).toBeGreaterThanOrEqual(9);
  expect(served.filter((project) => project === large).length).toBeGreaterThanOrEqual(9);
});

test("nothing starves: with one worker each of many busy projects has its turn before any has a second one", async () => {
  const { addProject, addTasks, claim, end, projectOf } = await setup();
  const projects: string[] = [];
  for (let count = 0; count < 7; count += 1) projects.push(await addProject());
  for (const [index, project] of projects.entries()) await addTasks(project, 3 + index * 20);
  for (let round = 0; round < 3; round += 1) {
    const served = new Set<string | undefined>();
    for (let turn = 0; turn < projects.length; turn += 1) {
      const task = await claim();
      served.add(await projectOf(task));
      if (task) await end(task);
    }
    expect(served.size).toBe(projects.length);
  }
});

test("a project whose tasks run long takes its turn again after the named time, however many others come", async () => {
  const { db, addProject, addTasks, claim, projectOf } = await setup();
  const [long, other] = [await addProject(), await addProject()];
  await addTasks(long, 3);
  await claim("w1");
  await addTasks(other, 5);
  const servedAgo = (projectId: string, agoMs: number) =>
    db.query(`update project_usage set last_claim_at = now() - $2 * interval '1 millisecond' where project_id = $1`, [projectId, agoMs]);
  await servedAgo(long, limits.agedTurnMs - 5_000);
  await servedAgo(other, 1_000);
  expect(await projectOf(await claim("w2"))).toBe(other);
  await servedAgo(long, limits.agedTurnMs + 5_000);
  expect(await projectOf(await claim("w3"))).toBe(long);
});

test("a warm model goes first, and a cold task waits for it no longer than the named bound", async () => {
  const { addProject, addTasks, claim } = await setup();
  const project = await addProject();
  const [cold] = await addTasks(project, 1, { model: "test/cold", agoMs: limits.warmFirstMs - 10_000 });
  const [sameBase] = await addTasks(project, 1, { model: "test/same-base" });
  const [warm] = await addTasks(project, 1, { model: "test/warm" });
  const offer = { models: ["test/cold", "test/same-base", "test/warm"], warm: ["test/warm"], warmBases: ["test/same-base"] };
  expect((await claim("w", offer))?.id).toBe(warm);
  expect((await claim("w", offer))?.id).toBe(sameBase);
  const [late] = await addTasks(project, 1, { model: "test/cold", agoMs: limits.warmFirstMs + 10_000 });
  await addTasks(project, 5, { model: "test/warm" });
  // Tasks of one model go by age of their id, so the bound counts for the oldest.
  expect((await claim("w", offer))?.model).toBe("test/warm");
  expect((await claim("w", { ...offer, warmFirstMs: limits.warmFirstMs - 20_000 }))?.id).toBe(cold);
  expect((await claim("w", offer))?.id).toBe(late);
});

test("a task of a model that the worker cannot run is not offered, whoever waits behind it", async () => {
  const { addProject, addTasks, claim } = await setup();
  const [theirs, ours] = [await addProject(), await addProject()];
  await addTasks(theirs, 3, { model: "test/other" });
  const [task] = await addTasks(ours, 1);
  expect((await claim())?.id).toBe(task);
  expect(await claim()).toBeUndefined();
});

test("a project that has spent its budget is served no more, and its tasks go on waiting", async () => {
  const { db, addProject, addTasks, claim } = await setup();
  const project = await addProject({ budget: "0.000000000010" });
  await addTasks(project, 2);
  await db.query(`update project_usage set spent = 0.000000000009 where project_id = $1`, [project]);
  expect(await claim()).toBeDefined();
  await db.query(`update project_usage set spent = 0.000000000010 where project_id = $1`, [project]);
  expect(await claim()).toBeUndefined();
  await db.query(`update projects set budget = null where id = $1`, [project]);
  expect(await claim()).toBeDefined();
});

test("of a project with a budget a worker has no more leased tasks than places, of others as many as it asks for", async () => {
  const { db, addProject, addTasks, end, countLeased } = await setup();
  const claimMany = (most: number, workerId = "w") =>
    askForTasks(db, { workerId, models: ["test/fake"], leaseMs: 60_000, places: 2 }, most);
  const frugal = await addProject({ budget: "1" });
  await addTasks(frugal, 9);
  const { tasks } = await claimMany(3);
  expect(tasks).toHaveLength(2);
  expect(await claimMany(2)).toEqual({ tasks: [], isHeldBack: true });
  await claimMany(2, "another");
  expect(await countLeased(frugal)).toBe(4);
  const free = await addProject();
  await addTasks(free, 3);
  expect((await claimMany(3)).tasks).toHaveLength(3);
  expect(await countLeased(free)).toBe(3);
  for (const task of tasks.slice(0, 1)) await end(task);
  expect((await claimMany(2)).tasks).toHaveLength(1);
  expect(await countLeased(frugal)).toBe(4);
});

test("a worker is held back by limits, not by an empty queue", async () => {
  const { db, addProject, addTasks } = await setup();
  const ask = () => askForTasks(db, { workerId: "w", models: ["test/fake"], leaseMs: 60_000 }, 3);
  expect(await ask()).toEqual({ tasks: [], isHeldBack: false });
  await addTasks(await addProject(), 1, { model: "test/other" });
  expect(await ask()).toEqual({ tasks: [], isHeldBack: false });
  const limited = await addProject({ running_limit: 1 });
  await addTasks(limited, 2);
  expect(await ask()).toMatchObject({ tasks: [{}], isHeldBack: false });
  expect(await ask()).toEqual({ tasks: [], isHeldBack: true });
});

test("a claim reads a few hundred blocks, whatever the statistics of the table say", async () => {
  const { db, addProject, addTasks } = await setup();
  await addTasks(await addProject(), 20_000);
  await db.query(`update tasks set status = 'task_postprocess_end'`);
  const blocks = async (places: number): Promise<number> => {
    const models = ["test/model-0", "test/model-1", "test/model-4"];
    const { rows } = await db.query<{ "QUERY PLAN": [{ Plan: Plan }] }>(
      `explain (analyze, buffers, format json) ${claimStatement.text}`,
      ["w", models, 1_000, ["test/model-4"], [], 1_000, 1_000, places, places],
    );
    const plan = rows[0]?.["QUERY PLAN"][0].Plan;
    return (plan?.["Shared Hit Blocks"] ?? 0) + (plan?.["Shared Read Blocks"] ?? 0);
  };
  // What a task's own move touches is beside it: its page, its event, its new entries in five indexes.
  const expectFewBlocks = async (): Promise<void> => {
    expect(await blocks(1)).toBeLessThan(500);
    expect(await blocks(32)).toBeLessThan(500 + 32 * 40);
  };
  // Statistics of an hour when nothing waited, and of one when half of all tasks did.
  await db.query("vacuum analyze tasks");
  for (let count = 0; count < 20; count += 1) await addTasks(await addProject(), 1_000, { model: `test/model-${count % 5}` });
  await expectFewBlocks();
  await db.query("analyze tasks");
  await expectFewBlocks();
});

interface Plan {
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
}

test("a claim of many takes turns between projects and keeps their limits", async () => {
  const { db, addProject, addTasks, countLeased } = await setup();
  const [busy, limited] = [await addProject(), await addProject({ running_limit: 2 })];
  await addTasks(busy, 20);
  await addTasks(limited, 20);
  const claimed = await claimTasks(db, { workerId: "w", models: ["test/fake"], leaseMs: 60_000 }, 7);
  expect(new Set(claimed.map(({ id }) => id)).size).toBe(7);
  expect([await countLeased(busy), await countLeased(limited)]).toEqual([5, 2]);
});

test("claims of many at once from the same projects neither share a task nor wait for each other in a circle", async () => {
  const { db, addProject, addTasks } = await setup();
  const projects = await Promise.all(Array.from({ length: 4 }, () => addProject({ running_limit: 30 })));
  for (const project of projects) await addTasks(project, 40);
  const claimed = await Promise.all(
    Array.from({ length: 8 }, async (_, n) => {
      const mine: string[] = [];
      for (let round = 0; round < 4; round += 1) {
        mine.push(...(await claimTasks(db, { workerId: `w${n}`, models: ["test/fake"], leaseMs: 60_000 }, 3)).map(({ id }) => id));
      }
      return mine;
    }),
  );
  expect(new Set(claimed.flat()).size).toBe(claimed.flat().length);
  expect(claimed.flat().length).toBeGreaterThan(20);
});
