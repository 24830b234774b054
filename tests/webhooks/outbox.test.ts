import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

import { cancelWaitingTask } from "../../packages/server/src/db/queries/endings.ts";
import { endTask, endings, setupWebhooks } from "./setup.ts";
import type { WebhookTest } from "./setup.ts";

let it: WebhookTest;
beforeAll(async () => {
  it = await setupWebhooks();
});
afterAll(() => it.stop());
beforeEach(() => it.db.query("delete from deliveries"));

test.each(endings)("a task that ends by %s makes one delivery", async (how) => {
  const taskId = await it.submit("https://receiver.test/hook?key=1");
  expect(await it.deliveries()).toEqual([]);
  await endTask(it.db, taskId, how);
  expect(await it.deliveries()).toMatchObject([
    { task_id: taskId, url: "https://receiver.test/hook?key=1", status: "waiting", attempt: 0 },
  ]);
});

test("the delivery is of the transaction that ends the task: rolled back with it, committed with it", async () => {
  const taskId = await it.submit("https://receiver.test/");
  const broken = it.db.transaction(async (tx) => {
    expect(await cancelWaitingTask(tx, taskId)).toBe(true);
    expect((await tx.query("select 1 from deliveries")).rows).toHaveLength(1);
    throw new Error("on purpose");
  });
  await expect(broken).rejects.toThrow("on purpose");
  expect(await it.deliveries()).toEqual([]);
  await it.db.transaction((tx) => cancelWaitingTask(tx, taskId));
  expect(await it.deliveries()).toHaveLength(1);
});

test("a statement that ends a task in a way nobody has thought of makes a delivery, too, and only one", async () => {
  const taskId = await it.submit("https://receiver.test/");
  await it.db.query("update tasks set status = 'task_postprocess_end' where id = $1", [taskId]);
  await it.db.query("update tasks set status = 'task_postprocess_end', debug_error = 'again' where id = $1", [taskId]);
  await it.db.query("update tasks set status = 'task_cancel' where id = $1", [taskId]);
  expect(await it.deliveries()).toHaveLength(1);
});

test("ending a task tells the senders which delivery it made", async () => {
  let told: (payload: string) => void = () => undefined;
  const news = new Promise<string>((resolve) => (told = resolve));
  const subscription = await it.db.listen("atelier_delivery", (payload) => told(payload));
  await it.endedTask("https://receiver.test/");
  expect((await it.deliveries()).map((delivery) => delivery.id)).toEqual([await news]);
  subscription.stop();
});

const wanted = [
  "http://receiver.test",
  "https://receiver.test:8443/a/b?c=d&e=%20",
  "HTTPS://Receiver.Test/",
  "  https://receiver.test/  ",
  "http://[2600::1]/",
  "http://receiver.test?x=1",
  `https://receiver.test/${"x".repeat(4_000)}`,
];
test.each(wanted)("%j is a callback", async (callbackUrl) => {
  await it.endedTask(callbackUrl);
  expect((await it.deliveries()).map((delivery) => delivery.url)).toEqual([callbackUrl.trim()]);
});

const unwanted = [
  "",
  // The seed page's own example, and other texts.
  "You can provide a callback URL; Wiro will send a POST request to it when the task is completed.",
  "https://receiver.test is where I want it",
  "see https://receiver.test/",
  "receiver.test/hook",
  "//receiver.test/hook",
  "/hook",
  "http:receiver.test",
  "http://",
  "https:///hook",
  "https://user@receiver.test/",
  "https://user:password@receiver.test/",
  "https://receiver.test\\@inner.test/",
  "https://receiver.test\\hook",
  "https://receiver.test/#part",
  "https://receiver.test#part",
  "ftp://receiver.test/",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "https://receiver.test/\nhttps://other.test/",
  // As long as what is kept: it may have been cut.
  `https://receiver.test/${"x".repeat(4_096)}`.slice(0, 4_096),
];
test.each(unwanted)("%j makes no delivery, and the task ends all the same", async (callbackUrl) => {
  const taskId = await it.endedTask(callbackUrl, "finish");
  expect(await it.deliveries()).toEqual([]);
  const { rows } = await it.db.query<{ status: string; pexit: string }>("select status, pexit from tasks where id = $1", [taskId]);
  expect(rows).toEqual([{ status: "task_postprocess_end", pexit: "0" }]);
});
