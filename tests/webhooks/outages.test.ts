// Seeded outages of receivers, mixed with senders that end at any moment: no callback may be lost, none may be forged.
// ATELIER_OUTAGES: how many (default 100; the long lane runs 1000). ATELIER_OUTAGES_SEED redoes a run.

import { afterEach, expect, test } from "vitest";

import { databaseWith } from "../../packages/server/src/db/test-database.ts";
import type { Webhooks } from "../../packages/server/src/webhooks/start-webhooks.ts";
import { seededRandom } from "../simulation/random.ts";
import { answers, startReceiver } from "./receiver.ts";
import type { Answer, Receiver } from "./receiver.ts";
import { endings, setupWebhooks } from "./setup.ts";
import type { WebhookTest } from "./setup.ts";

const wanted = Number(process.env["ATELIER_OUTAGES"] ?? 100);
const seed = Number(process.env["ATELIER_OUTAGES_SEED"] ?? 20_261_122);
const outages: readonly Answer[] = [answers.serverError, answers.cut, answers.redirect, answers.hang];
/** Well below the number of tries, so that nothing is given up, also when a busy machine answers too late at times. */
const mostOutagesOfOne = 5;
/** What a hanging receiver costs: enough for one that answers on a busy machine. */
const timeoutMs = 1_500;

let it: WebhookTest;
let receivers: Receiver[] = [];
afterEach(async () => {
  for (const receiver of receivers) await receiver.stop();
  await it.stop();
});

/** A sender whose process can end: from then on nothing of it reaches the database. */
async function startMortal(): Promise<{ loop: Webhooks; kill(): void }> {
  let isAlive = true;
  const whileAlive = <Result>(work: () => Promise<Result>): Promise<Result> =>
    isAlive ? work() : Promise.reject(new Error("this process has ended"));
  const db = databaseWith(it.db, {
    query: (text, values) => whileAlive(() => it.db.query(text, values)),
    transaction: (work) => whileAlive(() => it.db.transaction(work)),
    batch: (work) => whileAlive(() => it.db.batch(work)),
    close: () => Promise.resolve(),
  });
  const loop = await it.start({ db, timeoutMs, stopMs: 0 });
  return { loop, kill: () => void (isAlive = false) };
}

test(`no callback is lost over ${wanted} outages of receivers and ends of senders`, { timeout: 60_000 + wanted * 1_000 }, async () => {
  it = await setupWebhooks();
  const random = seededRandom(seed);
  const counts = { outages: 0, kills: 0 };
  const outagesOf = new Map<string, number>();
  const acknowledged = new Map<string, number>();
  let isCalm = false;
  const senders = [await startMortal(), await startMortal()];

  const answer: Answer = (response, got) => {
    const id = String(got.headers["webhook-id"]);
    const before = outagesOf.get(id) ?? 0;
    if (!isCalm && random.chance(0.08)) {
      random.pick(senders)?.kill();
      counts.kills += 1;
    }
    if (isCalm || before >= mostOutagesOfOne || random.chance(0.3)) {
      acknowledged.set(id, (acknowledged.get(id) ?? 0) + 1);
      return answers.ok(response, got);
    }
    outagesOf.set(id, before + 1);
    counts.outages += 1;
    random.pick(outages)?.(response, got);
  };
  receivers = await Promise.all([startReceiver(), startReceiver(), startReceiver()]);
  for (const receiver of receivers) receiver.answer = answer;

  const tasks: string[] = [];
  const pass = async (): Promise<void> => {
    await it.letTimePass();
    await Promise.all(senders.map(({ loop }) => loop.runOnce().catch(() => undefined)));
    for (const at of senders.keys()) {
      const isDead = await senders[at]?.loop.runOnce().then(() => false, () => true);
      if (isDead) senders[at] = await startMortal();
    }
  };
  while (counts.outages < wanted) {
    for (let count = 0; count < 6; count += 1) {
      const url = `${random.pick(receivers)?.url}/hook`;
      tasks.push(await it.endedTask(url, random.pick(endings), random.chance(0.5) ? it.mine : it.other));
    }
    await pass();
  }
  isCalm = true;
  for (const sender of senders) sender.kill();
  const last = await it.start();
  for (let rounds = 0; rounds < 3; rounds += 1) {
    await it.letTimePass();
    await last.runOnce();
  }

  const rows = await it.deliveries();
  console.log(`outages: ${JSON.stringify({ seed, ...counts, callbacks: rows.length })}`);
  expect(counts.kills).toBeGreaterThan(0);
  expect(rows.map((row) => row.task_id).toSorted()).toEqual(tasks.toSorted());
  expect(rows.filter((row) => row.status !== "delivered")).toEqual([]);
  expect(rows.filter((row) => !acknowledged.has(row.message_id)), "delivered means acknowledged").toEqual([]);
  const taskOf = new Map(rows.map((row) => [row.message_id, row.task_id]));
  const forged = receivers
    .flatMap((receiver) => receiver.received)
    .filter((got) => taskOf.get(String(got.headers["webhook-id"])) !== (JSON.parse(got.body) as { taskid: string }).taskid);
  expect(forged).toEqual([]);
});
