// A real server that is killed (SIGKILL) while a receiver has its callback and has not answered yet.
// ATELIER_OUTAGES: with 1000, the long lane, as many outages are mixed with twenty kills; default 15 and 1.

import { setTimeout as delay } from "node:timers/promises";

import { afterEach, expect, test } from "vitest";

import type { Database } from "../../packages/server/src/db/database.ts";
import { CrashServer } from "../crash/crash-server.ts";
import { seededRandom } from "../simulation/random.ts";
import { answers, startReceiver } from "./receiver.ts";
import type { Receiver } from "./receiver.ts";

const wanted = Number(process.env["ATELIER_OUTAGES"] ?? 15);
const kills = Math.max(1, Math.round(wanted / 50));
const seed = Number(process.env["ATELIER_OUTAGES_SEED"] ?? 20_261_122);
const mostOutagesOfOne = 6;
const mostOpen = 10;
/** The receiver is on this machine, and the fake model is all that is run. */
const environment = { ATELIER_OUTBOUND_ALLOW: "127.0.0.1", ATELIER_MODELS: "tests/webhooks/no-models" };

let server: CrashServer | undefined;
let receiver: Receiver | undefined;
afterEach(async () => {
  for (const name of Object.keys(environment)) delete process.env[name];
  await receiver?.stop();
  await server?.remove();
});

test(`a server killed ${kills} time(s) amid ${wanted} outages delivers every callback`, { timeout: 60_000 + wanted * 1_000 }, async () => {
  const random = seededRandom(seed);
  Object.assign(process.env, environment);
  server = await CrashServer.create();
  const target = server;
  const callback = await startReceiver();
  receiver = callback;
  await target.start();

  let outages = 0;
  let isCalm = false;
  let isDying: (() => void) | undefined;
  const outagesOf = new Map<string, number>();
  callback.answer = (response, got) => {
    const id = String(got.headers["webhook-id"]);
    if (isDying) {
      // Received, and never acknowledged to anyone who lives.
      void target.signal("server", "SIGKILL").then(isDying);
      isDying = undefined;
      return;
    }
    const before = outagesOf.get(id) ?? 0;
    if (isCalm || before >= mostOutagesOfOne || random.chance(0.3)) return answers.ok(response, got);
    outagesOf.set(id, before + 1);
    outages += 1;
    random.pick([answers.serverError, answers.cut, answers.redirect])?.(response, got);
  };

  const tasks: string[] = [];
  const submit = async (): Promise<void> => {
    const answer = await target.call("/Run/test/fake", { prompt: "stepMs=1", samples: 1, callbackUrl: `${callback.url}/hook` });
    tasks.push(String(answer["taskid"]));
  };
  for (let kill = 0; kill < kills; kill += 1) {
    const died = new Promise<void>((resolve) => (isDying = resolve));
    // An older callback may be the one that the server dies of, before it has answered this.
    await submit().catch(() => undefined);
    await died;
    await target.start();
    const db = await target.openDatabase();
    while (outages < ((kill + 1) * wanted) / kills) {
      // No faster than they are drawn.
      if ((await pass(db)) < mostOpen) await submit();
    }
    await db.close();
  }
  isCalm = true;
  const db = await target.openDatabase();
  await expect.poll(() => pass(db), { timeout: 30_000, interval: 50 }).toBe(0);
  const { rows } = await db.query<{ task_id: string; status: string | null }>(
    "select t.id as task_id, d.status from tasks t left join deliveries d on d.task_id = t.id order by t.id",
  );
  await db.close();
  console.log(`killed server: ${JSON.stringify({ seed, kills, outages, callbacks: rows.length })}`);
  const ids = rows.map((row) => row.task_id);
  expect(tasks.filter((id) => !ids.includes(id)), "acknowledged and lost").toEqual([]);
  expect(rows.filter((row) => row.status !== "delivered")).toEqual([]);
  // Every callback arrived under one id, those that were under way at a kill more than once.
  const arrived = callback.received.map((got) => ({
    taskId: (JSON.parse(got.body) as { taskid: string }).taskid,
    messageId: got.headers["webhook-id"],
  }));
  expect([...new Set(arrived.map((got) => got.taskId))].toSorted()).toEqual(ids.toSorted());
  expect(new Set(arrived.map((got) => `${got.taskId} ${got.messageId}`)).size).toBe(ids.length);
  expect(await target.stop()).toBe(0);
});

/** Lets every wait and lease pass, and returns how many tasks and deliveries are still open. */
async function pass(db: Database): Promise<number> {
  await db.query(
    `update deliveries set next_attempt_at = now() - interval '1 s', lease_expires_at = null
      where status = 'waiting' and (lease_expires_at is null or lease_expires_at < now() + interval '29 s')`,
  );
  await db.query("select pg_notify('atelier_delivery', '')");
  await delay(20);
  const { rows } = await db.query<{ open: string }>(
    `select (select count(*) from tasks where status not in ('task_postprocess_end', 'task_cancel'))
          + (select count(*) from deliveries where status = 'waiting') as open`,
  );
  return Number(rows[0]?.open);
}
