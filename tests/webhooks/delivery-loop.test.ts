import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { Database } from "../../packages/server/src/db/database.ts";
import { databaseWith } from "../../packages/server/src/db/test-database.ts";
import { claimDelivery, endDeliveryAttempt } from "../../packages/server/src/db/queries/deliveries.ts";
import { limits } from "../../packages/server/src/limits.ts";
import { openOutbound } from "../../packages/server/src/outbound/outbound.ts";
import { listDeliveries, redeliver } from "../../packages/server/src/webhooks/deliveries.ts";
import { liveWebhookSecrets, rotateWebhookSecret } from "../../packages/server/src/webhooks/webhook-secret.ts";
import { answers, startReceiver } from "./receiver.ts";
import type { Received, Receiver } from "./receiver.ts";
import { setupWebhooks } from "./setup.ts";
import type { WebhookTest } from "./setup.ts";

let it: WebhookTest;
let receiver: Receiver;
beforeEach(async () => {
  it = await setupWebhooks();
  receiver = await startReceiver();
});
afterEach(async () => {
  await it.stop();
  await receiver.stop();
});

/** A database to a sender whose process ends between the receiver's answer and the writing of the outcome. */
function withoutOutcomes(db: Database): Database {
  return databaseWith(db, {
    query: (statement, values) =>
      textOf(statement).includes("update delivery_attempts")
        ? Promise.reject(new Error("the process has ended"))
        : db.query(statement, values),
  });
}

const textOf = (statement: string | { readonly text: string }): string => (typeof statement === "string" ? statement : statement.text);

const headersOf = (received: Received | undefined) => received?.headers as Record<string, string>;

test("a callback carries the reply of Task/Detail and the task's own fields beside it, with taskid", async () => {
  const taskId = await it.endedTask(`${receiver.url}/hook?key=1`, "finish");
  await (await it.start()).runOnce();
  const [got, ...more] = receiver.received;
  expect(more).toEqual([]);
  expect(got?.path).toBe("/hook?key=1");
  expect(got?.headers["content-type"]).toBe("application/json");
  const body = JSON.parse(got?.body ?? "") as { tasklist: Record<string, unknown>[]; [name: string]: unknown };
  const { result, errors, total, tasklist, taskid, ...flat } = body;
  expect({ result, errors, total, taskid }).toEqual({ result: true, errors: [], total: "1", taskid: taskId });
  expect(tasklist).toEqual([flat]);
  expect(flat).toMatchObject({
    id: taskId,
    status: "task_postprocess_end",
    pexit: "0",
    parameters: { prompt: "a lighthouse" },
    outputs: [{ name: "0.png", url: expect.stringMatching(/^https:\/\/pictures\.test\/outputs\/[0-9a-f-]{71}\/0\.png$/) }],
  });
  expect(await it.deliveries()).toMatchObject([{ status: "delivered", attempt: 1, failures: 0, leased: null }]);
});

test("a callback is sent as soon as its task ends, without being asked for", async () => {
  await it.start();
  const arrived = new Promise((resolve) => {
    receiver.answer = (response, got) => (answers.ok(response, got), resolve(got));
  });
  await it.endedTask(`${receiver.url}/`, "kill");
  expect(await arrived).toMatchObject({ body: expect.stringContaining(`"status":"task_cancel"`) });
});

test("the signature is verified by the reference library, with either secret while rotating, and by no other", async () => {
  const deps = { db: it.db, masterKey: it.masterKey };
  const loop = await it.start();
  const first = (await liveWebhookSecrets(deps, it.mine))[0] ?? "";
  const second = (await rotateWebhookSecret(deps, it.mine)) ?? "";
  await it.endedTask(`${receiver.url}/`);
  await loop.runOnce();
  const third = (await rotateWebhookSecret(deps, it.mine)) ?? "";
  await it.endedTask(`${receiver.url}/`);
  await it.endedTask(`${receiver.url}/`, "cancel", it.other);
  await loop.runOnce();

  const verifies = (secret: string, got: Received | undefined): boolean => {
    try {
      new Webhook(secret).verify(got?.body ?? "", headersOf(got));
      return true;
    } catch {
      return false;
    }
  };
  const isOthers = (got: Received): boolean => got.body.includes(`"projectid":"${it.other}"`);
  const [early, later] = receiver.received.filter((got) => !isOthers(got));
  const secrets = [first, second, third];
  expect(secrets.map((secret) => verifies(secret, early))).toEqual([true, true, false]);
  expect(secrets.map((secret) => verifies(secret, later))).toEqual([false, true, true]);
  expect(secrets.map((secret) => verifies(secret, receiver.received.find(isOthers)))).toEqual([false, false, false]);
  // One changed byte is noticed.
  const changed = early?.body.replace("lighthouse", "lighthousf") ?? "";
  expect(() => new Webhook(second).verify(changed, headersOf(early))).toThrow();
});

test("every kind of outage is a failed try that is logged by its class and tried again; a 2xx acknowledges", async () => {
  const closed = await startReceiver();
  await closed.stop();
  const outages: [string, typeof receiver.answer, string, number | null][] = [
    [receiver.url, answers.serverError, "http-status", 500],
    [receiver.url, (response) => void response.writeHead(404).end(), "http-status", 404],
    [receiver.url, answers.redirect, "redirect-refused", 302],
    [receiver.url, answers.hang, "timed-out", null],
    [receiver.url, answers.cut, "connection-lost", null],
    [closed.url, answers.ok, "connect-failed", null],
  ];
  for (const [url, answer, errorClass, httpStatus] of outages) {
    receiver.answer = answer;
    const taskId = await it.endedTask(`${url}/`);
    // Only the receiver that never answers needs a short patience.
    const loop = await it.start(errorClass === "timed-out" ? { timeoutMs: 100 } : {});
    await loop.runOnce();
    await loop.stop();
    const [newest] = await listDeliveries(it, { projectId: it.mine, rows: 1 });
    expect(newest, errorClass).toMatchObject({ taskId, status: "waiting", attempts: [{ attempt: 1, errorClass, httpStatus }] });
    expect(newest?.attempts[0]?.durationMs).toEqual(expect.any(Number));
  }
  expect(receiver.received.map((got) => got.path)).not.toContain("/elsewhere");
  const loop = await it.start();
  await it.db.query("update deliveries set url = $1 where url <> $1", [`${receiver.url}/`]);
  for (const answer of [answers.accepted, answers.slowBody]) {
    receiver.answer = answer;
    await it.endedTask(`${receiver.url}/`);
    await it.letTimePass();
    await loop.runOnce();
    const rows = await it.deliveries();
    expect(rows.map((row) => row.status)).toEqual(rows.map(() => "delivered"));
  }
  expect(JSON.stringify(await listDeliveries(it, { projectId: it.mine }))).not.toContain("secret of the receiver");
});

test("tries follow the schedule: at once, 2 s, 2 s, then growing waits with jitter, then it is abandoned", async () => {
  receiver.answer = answers.serverError;
  let ratio = 0;
  const loop = await it.start({ drawRatio: () => ratio });
  await it.endedTask(`${receiver.url}/`);
  for (const [index, waitMs] of limits.deliveryWaitsMs.entries()) {
    ratio = index % 2 === 0 ? 0 : 0.999_999;
    await loop.runOnce();
    const jitter = index < 2 ? 1 : index % 2 === 0 ? 0.8 : 1.2;
    const [row] = await it.deliveries();
    expect(row).toMatchObject({ status: "waiting", attempt: index + 1, failures: index + 1 });
    const expected = (waitMs / 1000) * jitter;
    expect(row?.wait_seconds).toBeGreaterThan(expected - 1.5);
    expect(row?.wait_seconds).toBeLessThanOrEqual(expected + 0.001);
    // Not a moment before its time.
    await loop.runOnce();
    expect(receiver.received).toHaveLength(index + 1);
    await it.letTimePass();
  }
  await loop.runOnce();
  expect(await it.deliveries()).toMatchObject([{ status: "abandoned", attempt: limits.deliveryWaitsMs.length + 1 }]);
  await it.letTimePass();
  await loop.runOnce();
  expect(receiver.received).toHaveLength(limits.deliveryWaitsMs.length + 1);
  expect(new Set(receiver.received.map((got) => got.headers["webhook-id"])).size).toBe(1);
});

test("a sender that dies after the receiver has acknowledged sends again, with the same webhook-id", async () => {
  await it.endedTask(`${receiver.url}/`);
  const dying = withoutOutcomes(it.db);
  await (await it.start({ db: dying })).runOnce();
  expect(receiver.received).toHaveLength(1);
  expect(await it.deliveries()).toMatchObject([{ status: "waiting", attempt: 1, leased: true }]);

  const survivor = await it.start();
  await survivor.runOnce();
  expect(receiver.received, "nothing is sent while the lease lasts").toHaveLength(1);
  await it.letTimePass();
  await survivor.runOnce();
  expect(await it.deliveries()).toMatchObject([{ status: "delivered", attempt: 2 }]);
  const [first, second] = receiver.received;
  expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
  expect(second?.body).toBe(first?.body);
  const [shown] = await listDeliveries(it, { projectId: it.mine });
  expect(shown?.attempts).toMatchObject([
    { attempt: 2, httpStatus: 200 },
    { attempt: 1, durationMs: null, httpStatus: null, errorClass: null },
  ]);
});

test("the late outcome of a try that lost its lease changes nothing but its own log line", async () => {
  await it.endedTask(`${receiver.url}/`);
  const claim = { leaseMs: 60_000, exceptProjects: [] };
  const late = await claimDelivery(it.db, claim);
  await it.letTimePass();
  const newest = await claimDelivery(it.db, claim);
  if (!late || !newest) throw new Error("nothing was due");
  const outcome = { durationMs: 1, httpStatus: 500, errorClass: "http-status" };
  expect(await endDeliveryAttempt(it.db, late, outcome, { status: "abandoned" })).toBe(false);
  expect(await it.deliveries()).toMatchObject([{ status: "waiting", attempt: 2, failures: 0, leased: true }]);
  expect(await endDeliveryAttempt(it.db, newest, { ...outcome, httpStatus: 200, errorClass: null }, { status: "delivered" })).toBe(true);
  expect(await endDeliveryAttempt(it.db, newest, outcome, { status: "abandoned" })).toBe(false);
  expect(await it.deliveries()).toMatchObject([{ status: "delivered" }]);
});

test("two senders at once send each callback once", async () => {
  const loops = await Promise.all([it.start(), it.start()]);
  const tasks = await Promise.all(Array.from({ length: 20 }, () => it.submit(`${receiver.url}/`)));
  await it.db.query("update tasks set status = 'task_cancel'");
  await Promise.all(loops.map((loop) => loop.runOnce()));
  const ids = receiver.received.map((got) => (JSON.parse(got.body) as { taskid: string }).taskid);
  expect(ids.toSorted()).toEqual(tasks.toSorted());
});

test("a project whose receiver hangs does not keep another project waiting", async () => {
  const hanging = await startReceiver();
  hanging.answer = answers.hang;
  for (let count = 0; count < limits.deliverySlots + 2; count += 1) await it.endedTask(`${hanging.url}/`, "cancel", it.other);
  const arrived = new Promise((resolve) => {
    receiver.answer = (response, got) => (answers.ok(response, got), resolve(got));
  });
  await it.endedTask(`${receiver.url}/`);
  await it.start({ stopMs: 50 });
  await arrived;
  expect(hanging.received.length).toBeLessThanOrEqual(limits.deliverySlotsPerProject);
  await hanging.stop();
});

test("stopping breaks off what hangs and leaves it due, and it does not count as the receiver's failure", async () => {
  const asked = new Promise<void>((resolve) => (receiver.answer = () => resolve()));
  await it.endedTask(`${receiver.url}/`);
  const loop = await it.start({ stopMs: 50 });
  await asked;
  await loop.stop();
  expect(await it.deliveries()).toMatchObject([{ status: "waiting", attempt: 1, failures: 0, leased: null }]);
  receiver.answer = answers.ok;
  await (await it.start()).runOnce();
  expect(await it.deliveries()).toMatchObject([{ status: "delivered", attempt: 2 }]);
});

test("a target inside the network is refused before anything is sent, and not tried again", async () => {
  const inner = new URL(receiver.url);
  const urls = [receiver.url, `http://localhost:${inner.port}`, `http://2130706433:${inner.port}`, "http://169.254.169.254/latest/", "http://[::1]/", "http://8.8.8.8:25/"];
  for (const url of urls) await it.endedTask(`${url}/`);
  const outbound = openOutbound({ resolveName: async () => ["127.0.0.1"] });
  await (await it.start({ outbound })).runOnce();
  expect((await it.deliveries()).map((row) => row.status)).toEqual(urls.map(() => "abandoned"));
  expect(receiver.received).toEqual([]);
});

test("a callback that was allowed before a restart without the setting is not sent, but keeps its other tries", async () => {
  receiver.answer = answers.serverError;
  await it.endedTask(`${receiver.url}/`);
  const before = await it.start();
  await before.runOnce();
  await before.stop();
  await it.letTimePass();
  await it.endedTask(`${receiver.url}/`);
  const forgetful = await it.start({ outbound: openOutbound() });
  await forgetful.runOnce();
  expect(receiver.received).toHaveLength(1);
  // Nobody ever allowed the second.
  expect(await it.deliveries()).toMatchObject([{ status: "waiting", attempt: 2, failures: 2 }, { status: "abandoned", attempt: 1 }]);
  expect(it.logged).toContainEqual(expect.objectContaining({ msg: "delivery.refused", level: "warn", errorClass: "address-refused" }));
  await forgetful.stop();

  receiver.answer = answers.ok;
  await it.letTimePass();
  await (await it.start()).runOnce();
  expect(await it.deliveries()).toMatchObject([{ status: "delivered", attempt: 3 }, { status: "abandoned" }]);
});

test("a callback whose address stays refused is abandoned after its ordinary tries", async () => {
  await it.endedTask(`${receiver.url}/`);
  const before = await it.start();
  await before.runOnce();
  await before.stop();
  await it.db.query("update deliveries set status = 'waiting', ended_at = null, failures = $1", [limits.deliveryWaitsMs.length]);
  await (await it.start({ outbound: openOutbound() })).runOnce();
  expect(await it.deliveries()).toMatchObject([{ status: "abandoned", attempt: 2 }]);
});

test("a callback that cannot be signed is the server's fault: not sent, logged, tried again", async () => {
  await liveWebhookSecrets({ db: it.db, masterKey: it.masterKey }, it.mine);
  await it.endedTask(`${receiver.url}/`);
  await (await it.start({ masterKey: Buffer.alloc(32) })).runOnce();
  expect(receiver.received).toEqual([]);
  expect(await listDeliveries(it, { projectId: it.mine })).toMatchObject([
    { status: "waiting", attempts: [{ errorClass: "server-fault" }] },
  ]);
  expect(it.logged).toContainEqual(expect.objectContaining({ msg: "delivery.fault", level: "error" }));
});

test("the log names neither URL, body nor secret", async () => {
  const [secret] = await liveWebhookSecrets({ db: it.db, masterKey: it.masterKey }, it.mine);
  receiver.answer = answers.serverError;
  await it.endedTask(`${receiver.url}/private-path`);
  await (await it.start()).runOnce();
  const text = JSON.stringify(it.logged);
  expect(text).toContain("delivery.failed");
  for (const hidden of ["private-path", "lighthouse", "secret of the receiver", secret ?? ""]) expect(text).not.toContain(hidden);
});

test("redelivery sends an abandoned or a delivered callback again, with the same webhook-id and a whole schedule", async () => {
  await it.endedTask(`${receiver.url}/`);
  const loop = await it.start();
  await loop.runOnce();
  const [delivery] = await it.deliveries();
  const reference = { projectId: it.mine, deliveryId: delivery?.id ?? "" };
  expect(await redeliver(it, reference)).toBe(true);
  await loop.runOnce();
  expect(receiver.received.map((got) => got.headers["webhook-id"])).toEqual([delivery?.message_id, delivery?.message_id]);
  await it.db.query("update deliveries set status = 'abandoned', failures = 12");
  receiver.answer = answers.serverError;
  expect(await redeliver(it, reference)).toBe(true);
  await loop.runOnce();
  expect(await it.deliveries()).toMatchObject([{ status: "waiting", failures: 1, attempt: 3 }]);
});

test("a redelivery asked for during the last try is not lost with it", async () => {
  await it.endedTask(`${receiver.url}/`);
  await it.db.query("update deliveries set failures = 11");
  const claimed = await claimDelivery(it.db, { leaseMs: 60_000, exceptProjects: [] });
  if (!claimed) throw new Error("nothing was due");
  expect(await redeliver(it, { projectId: it.mine, deliveryId: claimed.id })).toBe(true);
  await endDeliveryAttempt(it.db, claimed, { durationMs: 1, httpStatus: null, errorClass: "timed-out" }, { status: "abandoned" });
  expect(await it.deliveries()).toMatchObject([{ status: "waiting", failures: 0, leased: null }]);
  await (await it.start()).runOnce();
  expect(await it.deliveries()).toMatchObject([{ status: "delivered" }]);
});

test("another project's deliveries are neither listed nor redelivered", async () => {
  receiver.answer = answers.serverError;
  await it.endedTask(`${receiver.url}/`, "cancel", it.other);
  await (await it.start()).runOnce();
  const [theirs] = await it.deliveries();
  expect(await listDeliveries(it, { projectId: it.mine })).toEqual([]);
  expect(await listDeliveries(it, { projectId: it.other })).toHaveLength(1);
  for (const deliveryId of [theirs?.id ?? "", "999999", "", "1 or 1=1", "9".repeat(30)]) {
    expect(await redeliver(it, { projectId: it.mine, deliveryId }), deliveryId).toBe(false);
  }
  expect(await it.deliveries()).toMatchObject([{ status: "waiting", failures: 1 }]);
});

test("a list is paged from the newest to the oldest", async () => {
  for (let count = 0; count < 5; count += 1) await it.endedTask("http://127.0.0.1:1024/");
  const ids = (await it.deliveries()).map((row) => row.id).toReversed();
  const first = await listDeliveries(it, { projectId: it.mine, rows: 3 });
  const second = await listDeliveries(it, { projectId: it.mine, rows: 3, beforeId: first[2]?.id });
  expect([...first, ...second].map((delivery) => delivery.id)).toEqual(ids);
  expect(await listDeliveries(it, { projectId: it.mine, beforeId: "no id" })).toEqual([]);
});

test("secrets are drawn once, sealed, two at most, and none for a project that does not exist", async () => {
  const deps = { db: it.db, masterKey: it.masterKey };
  const drawn = await Promise.all(Array.from({ length: 5 }, () => liveWebhookSecrets(deps, it.mine)));
  expect(new Set(drawn.flat()).size).toBe(1);
  const first = drawn[0]?.[0] ?? "";
  expect(first).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const rotated = await Promise.all(Array.from({ length: 4 }, () => rotateWebhookSecret(deps, it.mine)));
  const live = await liveWebhookSecrets(deps, it.mine);
  expect(live).toHaveLength(2);
  for (const secret of live) expect(rotated).toContain(secret);
  expect(await rotateWebhookSecret(deps, "999999")).toBeUndefined();
  expect(await liveWebhookSecrets(deps, "999999")).toEqual([]);
  const { rows } = await it.db.query<{ sealed: Buffer }>("select secret_sealed as sealed from webhook_secrets");
  for (const { sealed } of rows) for (const secret of [first, ...live]) expect(sealed.includes(secret)).toBe(false);
  // A seal that was moved to another row does not open.
  await it.db.query("update webhook_secrets set id = gen_random_uuid()");
  await expect(liveWebhookSecrets(deps, it.mine)).rejects.toThrow();
});
