import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { cancelWaitingTask } from "../../db/queries/endings.ts";
import { claimTask } from "../../db/queries/leases.ts";
import { limits } from "../../limits.ts";
import { startKeyPruning } from "../../maintenance/prune-keys.ts";
import { changeBudget, changeTaskLimits } from "../../projects/task-limits.ts";
import { createProject } from "../../projects/create-project.ts";
import { signedHeaders, startTestServer } from "../test-server.ts";
import type { TestServer } from "../test-server.ts";

const model = "arsmachina/baroque-space-opera-v1";
const runUrl = `/v1/Run/${model}`;
const body = { prompt: "A lighthouse" };

interface Answer {
  readonly result: boolean;
  readonly taskid?: string;
  readonly socketaccesstoken?: string;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
}

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

async function setup(changes: { running?: number | null; waiting?: number | null; budget?: string } = {}) {
  const { db, context, masterKey } = server;
  const deps = { db, masterKey, actor: "test" };
  await db.query("truncate tasks cascade");
  const mine = await createProject(deps, { name: "limited", auth: "signature" });
  const { running, waiting, budget } = changes;
  if (running !== undefined || waiting !== undefined) await changeTaskLimits(deps, mine.projectid, { running, waiting });
  if (budget !== undefined) await changeBudget(deps, mine.projectid, budget);
  const run = async (as = mine): Promise<Answer> => (await server.post(runUrl, body, as)).json<Answer>();
  const runWithKey = async (key: string, payload: string | object = body, more: Record<string, string> = {}, url = runUrl): Promise<Answer> => {
    const headers = { ...signedHeaders(more["as"] === "other" ? server.other : mine), "idempotency-key": key, ...more };
    const text = typeof payload === "string" ? payload : JSON.stringify(payload);
    return (await server.app.inject({ method: "POST", url, headers, payload: text })).json<Answer>();
  };
  const spend = (amount: string) => db.query(`update project_usage set spent = $2 where project_id = $1`, [mine.projectid, amount]);
  const claim = () => claimTask(db, { workerId: "w", models: [model], leaseMs: 60_000 });
  const count = async () => (await db.query<{ n: number }>(`select count(*)::int as n from tasks`)).rows[0]?.n;
  return { db, mine, context, deps, run, runWithKey, spend, claim, count };
}

describe("the limit of open tasks", () => {
  it("refuses with code 96 and the contract's sentence, and lets the next in when one has ended", async () => {
    const { db, run, count } = await setup({ running: 1, waiting: 1 });
    const [first, second] = [await run(), await run()];
    expect([first.result, second.result]).toEqual([true, true]);
    const third = await run();
    expect(third).toMatchObject({ result: false, errors: [{ code: 96 }] });
    expect(third.errors[0]?.message).toBe(
      "You have reached your concurrent task limit. With your current balance of $0.00, you can run up to 2 tasks at the same time. Add funds to increase your limit.",
    );
    expect(await count()).toBe(2);
    await cancelWaitingTask(db, first.taskid ?? "");
    expect((await run()).result).toBe(true);
  });

  it("counts running tasks, too, and with no place to wait lets as many in as may run", async () => {
    const { run, claim } = await setup({ running: 2, waiting: 0 });
    await run();
    await claim();
    expect((await run()).result).toBe(true);
    expect((await run()).errors[0]?.code).toBe(96);
  });

  it("holds when many runs come at once", async () => {
    const { run, count } = await setup({ running: 2, waiting: 3 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => run()));
    expect(answers.filter((answer) => answer.result)).toHaveLength(5);
    expect(await count()).toBe(5);
  });

  it("concerns its own project only, and without a limit of waiting tasks nobody is refused", async () => {
    const { run, deps, mine } = await setup({ running: 1, waiting: 0 });
    await run();
    expect((await run()).result).toBe(false);
    expect((await run(server.other)).result).toBe(true);
    await changeTaskLimits(deps, mine.projectid, { waiting: null });
    expect((await run()).result).toBe(true);
  });
});

describe("the budget", () => {
  it("refuses with code 97 once it is spent, and no task that waits is started", async () => {
    const { run, spend, claim } = await setup({ budget: "1.50" });
    expect((await run()).result).toBe(true);
    await spend("1.499999999999");
    expect((await run()).result).toBe(true);
    await spend("1.5");
    expect((await run()).errors[0]).toMatchObject({ code: 97, message: "Insufficient balance" });
    expect(await claim()).toBeUndefined();
    await spend("1.499999999999");
    expect(await claim()).toBeDefined();
  });

  it("shows what is left of it in the sentence of the limit", async () => {
    const { run, spend } = await setup({ running: 1, waiting: 0, budget: "20" });
    await spend("7.5");
    await run();
    expect((await run()).errors[0]?.message).toContain("balance of $12.50,");
  });
});

describe("Idempotency-Key", () => {
  it("the same key and body give the same reply and one task, in every encoding", async () => {
    const { runWithKey, count } = await setup();
    const first = await runWithKey("key-1");
    expect(first.result).toBe(true);
    expect(await runWithKey("key-1")).toEqual(first);
    const form = { "content-type": "application/x-www-form-urlencoded" };
    expect(await runWithKey("key-1", "prompt=A+lighthouse", form)).toEqual(first);
    const multipart = '--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nA lighthouse\r\n--x--\r\n';
    expect(await runWithKey("key-1", multipart, { "content-type": "multipart/form-data; boundary=x" })).toEqual(first);
    expect(await runWithKey("key-1", body, { "content-type": "multipart/form-data" })).toEqual(first);
    expect(await count()).toBe(1);
    expect((await runWithKey("key-2")).taskid).not.toBe(first.taskid);
  });

  it("another body or model with the same key is refused, and says what to do", async () => {
    const { runWithKey, count } = await setup();
    await runWithKey("key-1");
    const refusal = {
      result: false,
      errors: [{ code: 0, message: "This Idempotency-Key was already used for a run with another model or body. Use a new key for a new run." }],
    };
    expect(await runWithKey("key-1", { prompt: "A harbour" })).toMatchObject(refusal);
    expect(await runWithKey("key-1", body, {}, "/v1/Run/atelier/starter")).toMatchObject(refusal);
    expect(await count()).toBe(1);
  });

  it("requests that come at once with one key make one task", async () => {
    const { runWithKey, count } = await setup();
    const answers = await Promise.all(Array.from({ length: 8 }, () => runWithKey("key-1")));
    expect(new Set(answers.map((answer) => answer.taskid)).size).toBe(1);
    expect(answers.every((answer) => answer.result)).toBe(true);
    expect(await count()).toBe(1);
  });

  it("belongs to its project: another one's key of the same name is another key", async () => {
    const { runWithKey } = await setup();
    const mine = await runWithKey("key-1");
    const theirs = await runWithKey("key-1", { prompt: "A harbour" }, { as: "other" });
    expect(theirs.result).toBe(true);
    expect(theirs.taskid).not.toBe(mine.taskid);
  });

  it("a repetition is answered though the project is full or has spent its budget by then", async () => {
    const { runWithKey, run, spend } = await setup({ running: 1, waiting: 0, budget: "1" });
    const first = await runWithKey("key-1");
    expect((await run()).errors[0]?.code).toBe(96);
    expect(await runWithKey("key-1")).toEqual(first);
    await spend("1");
    expect((await run()).errors[0]?.code).toBe(97);
    expect(await runWithKey("key-1")).toEqual(first);
  });

  it("is forgotten after the named time, pruned or not", async () => {
    const { db, context, runWithKey } = await setup();
    const first = await runWithKey("key-1");
    const age = (ms: number) => db.query(`update idempotency_keys set created_at = now() - $1 * interval '1 millisecond'`, [ms]);
    await age(limits.idempotencyKeyMs - 60_000);
    expect(await runWithKey("key-1")).toEqual(first);
    await age(limits.idempotencyKeyMs + 1);
    const second = await runWithKey("key-1", { prompt: "A harbour" });
    expect(second.result).toBe(true);
    expect(second.taskid).not.toBe(first.taskid);
    const pruning = startKeyPruning({ db, log: context.log });
    expect(await pruning.runOnce()).toBe(0);
    await age(limits.idempotencyKeyMs + 1);
    expect(await pruning.runOnce()).toBe(1);
    await pruning.stop();
  });

  it("a refused run uses no key up, and a key that cannot be one is refused", async () => {
    const { runWithKey, spend } = await setup({ budget: "1" });
    await spend("1");
    expect((await runWithKey("key-1")).errors[0]?.code).toBe(97);
    await spend("0");
    expect((await runWithKey("key-1", { prompt: "A harbour" })).result).toBe(true);
    const refusal = { result: false, errors: [{ code: 0, message: expect.stringContaining("Idempotency-Key must be") }] };
    for (const key of ["", "with a space", "k".repeat(limits.idempotencyKeyCharacters + 1)]) {
      expect(await runWithKey(key)).toMatchObject(refusal);
    }
  });
});
