import { expect, it } from "vitest";

import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import { openStatistics } from "./model-statistics.ts";

/** A database whose counts are answered, or fail, when the test says so. */
function setup() {
  const asked: { answer: (count: string) => void; fail: (error: Error) => void }[] = [];
  let now = 1_000;
  const db = {
    query: () =>
      new Promise((resolve, reject) => {
        const row = (count: string) => ({ model: "a/b", run_count: count, success_count: "0", error_count: "0" });
        asked.push({ answer: (count) => resolve({ rows: [row(count)], rowCount: 1 }), fail: reject });
      }),
  } as unknown as Queryable;
  const read = openStatistics({ db, clock: () => now });
  return { asked, read, pass: (ms: number) => (now += ms) };
}

it("any number of readers wait for one count", async () => {
  const { asked, read } = setup();
  const readers = [read(), read(), read()];
  expect(asked).toHaveLength(1);
  asked[0]?.answer("5");
  for (const reader of readers) expect((await reader).get("a/b")?.runCount).toBe(5);
});

it("a count is used until it is too old", async () => {
  const { asked, read, pass } = setup();
  void read();
  asked[0]?.answer("5");
  pass(limits.statisticsMs - 1);
  expect((await read()).get("a/b")?.runCount).toBe(5);
  pass(1);
  const later = read();
  asked[1]?.answer("6");
  expect((await later).get("a/b")?.runCount).toBe(6);
});

it("a count that fails is not remembered", async () => {
  const { asked, read } = setup();
  const first = read();
  asked[0]?.fail(new Error("away"));
  await expect(first).rejects.toThrow("away");
  const second = read();
  asked[1]?.answer("7");
  expect((await second).get("a/b")?.runCount).toBe(7);
});
