import { once } from "node:events";

import pg from "pg";
import { afterEach, beforeEach, expect, it } from "vitest";

import { limits } from "../limits.ts";
import { openLog } from "../log.ts";
import { Announcer, announcePauseMs, announceSeparator } from "./announcer.ts";
import { createTestDatabase } from "./test-database.ts";
import type { TestDatabase } from "./test-database.ts";

let test: TestDatabase;
let announcer: Announcer;
const told: string[] = [];
/** Longer than a test takes between two announcements. */
const pauseMs = 300;

beforeEach(async () => {
  told.length = 0;
  test = await createTestDatabase();
  announcer = new Announcer(openLog({ level: "silent", pretty: false }), { ...test.address }, {
    tellOwn: (_channel, payload) => told.push(payload),
    pauseMs,
  });
});
afterEach(async () => {
  await announcer.close();
  await test.drop();
});

async function listen(): Promise<pg.Client> {
  const listening = new pg.Client(test.address);
  await listening.connect();
  await listening.query("listen things");
  return listening;
}

function announce(payloads: readonly string[]): void {
  const rows = payloads.map((payload) => ({ "announce:things": payload }));
  announcer.announce({ fields: [{ name: "announce:things" } as pg.FieldDef], rows });
}

it("the more servers hear it, the more news share a notification, within bounds", () => {
  expect([1, 10, 100, 1_000].map(announcePauseMs)).toEqual([5, 5, 50, 100]);
});

it("the first is sent at once, and those that come shortly after it share a notification", async () => {
  const listening = await listen();
  const heard: string[] = [];
  listening.on("notification", ({ payload = "" }) => heard.push(payload));
  const first = once(listening, "notification");
  announce(["one"]);
  await first;
  for (const payload of ["two", "three"]) {
    announce([payload]);
    // An answer that comes after what was sent before it.
    await listening.query("select 1");
    await test.db.query("select 1");
  }
  while (!heard.join().includes("three")) await once(listening, "notification");
  expect(heard).toEqual(["one", ["two", "three"].join(announceSeparator)]);
  await listening.end();
});

it("beyond what may wait to be sent, others are told no more, and its own process still is", async () => {
  const listening = await listen();
  const heard: string[] = [];
  listening.on("notification", ({ payload = "" }) => heard.push(...payload.split(announceSeparator)));
  const length = 7_000;
  const fitting = Math.floor(limits.announcementCharacters / length);
  // All of them in one turn of the event loop: nothing is sent meanwhile.
  announce(Array.from({ length: fitting + 100 }, (_, at) => String(at).padEnd(length, ".")));
  expect(told).toHaveLength(fitting + 100);
  const all = new Promise<void>((resolve) => listening.on("notification", ({ payload }) => payload?.startsWith("end") && resolve()));
  while (heard.length < fitting) await once(listening, "notification");
  // There is room again.
  announce(["end".padEnd(length, ".")]);
  await all;
  expect(heard).toHaveLength(fitting + 1);
  await listening.end();
});
