// The database's clock goes back: somebody sets it, a virtual machine wakes up, a replica with another clock takes over.

import { afterEach, expect, test } from "vitest";

import { limits } from "../../limits.ts";
import { createTestDatabase } from "../test-database.ts";
import { insertProject, insertTask } from "../test-task.ts";
import { killOverdueTasks } from "./deadlines.ts";
import { killLeasedTask } from "./endings.ts";
import { claimTask, renewLeases, rescueTasks } from "./leases.ts";
import { failTask } from "./moves.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function setup() {
  const { db, drop } = await createTestDatabase();
  cleanups.push(drop);
  const addProject = () => insertProject(db);
  const addTask = (projectId: string) =>
    insertTask(db, { projectId, token: `t${Math.random()}`, model: "test/fake", modelId: "1", parameters: {}, input: {}, callbackUrl: "", cps: "0", outputFolderId: "f" });
  const claim = async (workerId = "w") => {
    const task = await claimTask(db, { workerId, models: ["test/fake"], leaseMs: limits.leaseMs });
    if (!task) throw new Error("no task was claimed");
    return task;
  };
  /** As if everything had been written before it. */
  const goBack = async () => {
    await db.query(`update tasks set accepted_at = accepted_at + interval '1 hour', lease_expires_at = lease_expires_at + interval '1 hour'`);
    await db.query(`update project_usage set last_claim_at = last_claim_at + interval '1 hour'`);
  };
  const rescue = () => rescueTasks(db, { lostLeases: 10, most: 10, leaseMs: limits.leaseMs });
  const leaseMs = async () =>
    Number((await db.query<{ ms: string }>("select extract(epoch from lease_expires_at - now()) * 1000 as ms from tasks")).rows[0]?.ms);
  return { db, addProject, addTask, claim, goBack, rescue, leaseMs };
}

test("a lease that was given before is no longer than one that is given now", async () => {
  const { addProject, addTask, claim, goBack, rescue, leaseMs } = await setup();
  await addTask(await addProject());
  await claim();
  await goBack();
  expect(await leaseMs()).toBeGreaterThan(60_000);
  expect(await rescue()).toBe(0);
  expect(await leaseMs()).toBeLessThanOrEqual(limits.leaseMs);
});

test("a worker that lives keeps its task, and leases that are not too long stay as they are", async () => {
  const { db, addProject, addTask, claim, goBack, rescue, leaseMs } = await setup();
  await addTask(await addProject());
  const { id, attempt } = await claim();
  await goBack();
  await rescue();
  const held = [{ id, attempt }];
  expect(await renewLeases(db, { workerId: "w", leaseMs: 1.5 * limits.leaseMs, held })).toEqual(held);
  await rescue();
  expect(await leaseMs()).toBeGreaterThan(limits.leaseMs);
});

test("projects that were served before go on taking turns with others", async () => {
  const { db, addProject, addTask, claim, goBack } = await setup();
  const [before, after] = [await addProject(), await addProject()];
  for (let count = 0; count < 3; count += 1) await addTask(before);
  const end = async ({ id, attempt }: { id: string; attempt: number }) =>
    failTask(db, { taskId: id, attempt, workerId: "w" }, { pexit: "1", debugError: "", debugOutput: "" });
  await end(await claim());
  await goBack();
  for (let count = 0; count < 3; count += 1) await addTask(after);
  const turns: unknown[] = [];
  for (let count = 0; count < 4; count += 1) {
    const task = await claim();
    turns.push((await db.query<{ id: string }>("select project_id as id from tasks where id = $1", [task.id])).rows[0]?.id);
    await end(task);
  }
  expect(turns.filter((id) => id === before)).toHaveLength(2);
});

test("a task that ends without a result shows no negative time", async () => {
  const { db, addProject, addTask, claim, goBack } = await setup();
  const project = await addProject();
  for (let count = 0; count < 3; count += 1) await addTask(project);
  const [failed, killed, overdue] = [await claim(), await claim(), await claim()];
  await goBack();
  await db.query("update tasks set run_limit_ms = 1, deadline_at = now() - interval '1 second' where id = $1", [overdue.id]);
  await failTask(db, { taskId: failed.id, attempt: failed.attempt, workerId: "w" }, { pexit: "1", debugError: "", debugOutput: "" });
  await killLeasedTask(db, killed.id);
  expect(await killOverdueTasks(db, 10)).toBe(1);
  const { rows } = await db.query<{ seconds: number }>("select elapsed_seconds::float8 as seconds from tasks");
  expect(rows.map(({ seconds }) => seconds)).toEqual([0, 0, 0]);
});
