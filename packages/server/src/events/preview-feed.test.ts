import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { Database } from "../db/database.ts";
import { createTestDatabase } from "../db/test-database.ts";
import type { TestDatabase } from "../db/test-database.ts";
import { limits } from "../limits.ts";
import { openLog } from "../log.ts";
import { openPreviewFeed } from "./preview-feed.ts";
import type { PreviewFeed } from "./preview-feed.ts";

let test: TestDatabase;
/** One feed for whoever looks, another one for the worker: as on two servers. */
let feeds: { readonly looking: PreviewFeed; readonly drawing: PreviewFeed };
/** What every statement told, and of how much. */
let told: string[][];

beforeEach(async () => {
  test = await createTestDatabase();
  told = [];
  const log = openLog({ level: "silent", pretty: false });
  const counting: Pick<Database, "query" | "listen"> = {
    query: (...call) => {
      const [, [payloads] = []] = call as [string, [string[]]?];
      told.push(payloads ?? []);
      return test.db.query(...call);
    },
    listen: (...call) => test.db.listen(...call),
  };
  feeds = { looking: openPreviewFeed({ db: counting, log }), drawing: openPreviewFeed({ db: counting, log }) };
});
afterEach(async () => {
  feeds.looking.stop();
  feeds.drawing.stop();
  await test.drop();
});

/** A busy machine may be slow; these wait for what surely comes. */
const until = (isSo: () => boolean) => vi.waitUntil(isSo, { timeout: 30_000 });

const preview = (step: number) => ({ step, stepTotal: 9, image: "data:image/png;base64,AA==" });

it("asks in one statement for all tasks that are followed in the same turn", async () => {
  const ids = Array.from({ length: 300 }, (_, at) => String(at));
  expect(feeds.drawing.isWanted("299")).toBe(false);
  for (const id of ids) feeds.looking.follow(id, () => undefined);
  await until(() => ids.every((id) => feeds.drawing.isWanted(id)));
  // Whoever follows asks again after a while; that is another statement.
  expect(told[0]).toEqual(ids);
});

it("asks for no more tasks than may be followed, and takes notice of no more", async () => {
  for (let at = 0; at < limits.previewTasks + 3; at += 1) feeds.looking.follow(String(at), () => undefined);
  const last = limits.previewTasks - 1;
  expect([last, last + 1].map((at) => feeds.looking.isWanted(String(at)))).toEqual([true, false]);
  await until(() => told.length > 0);
  expect(told[0]).toHaveLength(limits.previewTasks);
});

it("shows the newest preview of each task where several wait to be told, and of no more tasks than may wait", async () => {
  let seen = 0;
  feeds.looking.follow("first", ({ step }) => (seen = step));
  await until(() => (seen === 0 && feeds.drawing.publish("first", preview(1)), seen === 1));
  // Behind it nothing waits any more.
  feeds.drawing.publish("first", preview(2));
  await until(() => seen === 2);
  const shown: [string, number][] = [];
  const tasks = limits.previewsWaiting + 10;
  for (let at = 0; at < tasks; at += 1) feeds.looking.follow(String(at), ({ step }) => shown.push([String(at), step]));
  for (let step = 1; step <= 3; step += 1) feeds.drawing.publish("0", preview(step));
  for (let at = 1; at < tasks; at += 1) feeds.drawing.publish(String(at), preview(1));
  // There is no room for another task, but those that wait show what is newest.
  feeds.drawing.publish("0", preview(4));
  await until(() => shown.length >= limits.previewsWaiting);
  // What comes afterwards finds room again.
  feeds.drawing.publish("0", preview(5));
  await until(() => shown.some(([, step]) => step === 5));
  expect(shown).toHaveLength(limits.previewsWaiting + 1);
  expect(shown[0]).toEqual(["0", 4]);
});
