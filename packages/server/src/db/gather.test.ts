import pg from "pg";
import { expect, it, vi } from "vitest";

import { AtelierError } from "../errors.ts";
import { gather } from "./gather.ts";

/** What PostgreSQL says of a bad statement. */
const refusal = () => Object.assign(new pg.DatabaseError("a bad item", 0, "error"), { code: "22P02" });

/** Work that ends when the test says so. */
function gatedWork() {
  const batches: { readonly items: readonly number[]; readonly end: () => void; readonly fail: (error: Error) => void }[] = [];
  const work = (items: readonly number[]): Promise<readonly number[]> =>
    new Promise((resolve, reject) => batches.push({ items, end: () => resolve(items.map((item) => item * 10)), fail: reject }));
  return { batches, work, itemsSoFar: () => batches.map(({ items }) => items) };
}

/** A batch that has ended starts the next one in the turn that follows. */
const turn = async () => {
  for (let count = 0; count < 3; count += 1) await new Promise(setImmediate);
};

it("starts a lone call in the same turn of the event loop, and gathers what comes meanwhile in order and up to the limit", async () => {
  const { batches, work, itemsSoFar } = gatedWork();
  const call = gather(work, { atOnce: 1, most: 3, waiting: 10 });
  const first = call(1);
  await turn();
  expect(itemsSoFar()).toEqual([[1]]);
  const results = [2, 3, 4, 5].map((item) => call(item));
  await turn();
  expect(itemsSoFar()).toEqual([[1]]);
  batches[0]?.end();
  expect(await first).toBe(10);
  await turn();
  expect(itemsSoFar()).toEqual([[1], [2, 3, 4]]);
  batches[1]?.end();
  expect(await Promise.all(results.slice(0, 3))).toEqual([20, 30, 40]);
  await turn();
  batches[2]?.end();
  expect(await results[3]).toBe(50);
});

it("has at most the given number of statements under way", async () => {
  const { work, itemsSoFar } = gatedWork();
  const call = gather(work, { atOnce: 2, most: 1, waiting: 10 });
  for (const item of [1, 2, 3, 4]) void call(item);
  await turn();
  expect(itemsSoFar()).toEqual([[1], [2]]);
});

it("asks for each item of a failed batch by itself, so that a bad one fails alone", async () => {
  const asked: (readonly number[])[] = [];
  const call = gather(
    async (items: readonly number[]) => {
      asked.push(items);
      if (items.includes(2)) throw refusal();
      return items;
    },
    { atOnce: 1, most: 3, waiting: 10 },
  );
  const outcomes = await Promise.allSettled([1, 2, 3].map((item) => call(item)));
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(asked).toEqual([[1, 2, 3], [1], [2], [3]]);
});

it("fails all items when the database is away, asks for none of them again, and goes on", async () => {
  const { batches, work, itemsSoFar } = gatedWork();
  const call = gather(work, { atOnce: 1, most: 3, waiting: 10 });
  const outcomes = Promise.allSettled([call(1), call(2)]);
  await turn();
  batches[0]?.fail(new AtelierError("SERVER_UNAVAILABLE"));
  expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const third = call(3);
  await turn();
  batches[1]?.end();
  expect(await third).toBe(30);
  expect(itemsSoFar()).toEqual([[1, 2], [3]]);
});

it("fails a batch whose answer has another length", async () => {
  const call = gather(async () => [1, 2], { atOnce: 1, most: 3, waiting: 10 });
  await expect(call(1)).rejects.toThrow("1 items were answered by 2 results");
});

it.each([new AtelierError("DISK_FULL"), new Error("write EHOSTDOWN"), Object.assign(refusal(), { code: "57P01" })])(
  "does nothing twice when it is unknown what was done: %s",
  async (error) => {
    const asked: (readonly number[])[] = [];
    const call = gather(
      async (items: readonly number[]): Promise<number[]> => {
        asked.push(items);
        throw error;
      },
      { atOnce: 1, most: 3, waiting: 10 },
    );
    const outcomes = await Promise.allSettled([1, 2].map((item) => call(item)));
    expect(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason)).toEqual([error, error]);
    expect(asked).toEqual([[1, 2]]);
  },
);

it("stops asking for each item by itself when the database goes away meanwhile", async () => {
  const asked: (readonly number[])[] = [];
  const call = gather(
    async (items: readonly number[]) => {
      asked.push(items);
      if (items.length > 1) throw refusal();
      if (items.includes(2)) throw new AtelierError("SERVER_UNAVAILABLE");
      return items;
    },
    { atOnce: 1, most: 4, waiting: 10 },
  );
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map((item) => call(item)));
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "rejected"]);
  expect(asked).toEqual([[1, 2, 3, 4], [1], [2]]);
});

it("lets items with the same key follow one another, each in a statement of its own", async () => {
  const asked: (readonly string[])[] = [];
  const call = gather(
    async (items: readonly string[]) => {
      asked.push(items);
      return items;
    },
    { atOnce: 1, most: 2, waiting: 10 },
    (item) => item.charAt(0),
  );
  expect(await Promise.all(["a1", "a2", "b1", "c1"].map((item) => call(item)))).toEqual(["a1", "a2", "b1", "c1"]);
  expect(asked).toEqual([["a1", "b1"], ["a2", "c1"]]);
});

it("refuses what comes while too many wait, at once, and takes more when there is a place", async () => {
  const { batches, work } = gatedWork();
  const call = gather(work, { atOnce: 1, most: 1, waiting: 1 });
  const first = call(1);
  await turn();
  const second = call(2);
  await expect(call(3)).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
  batches[0]?.end();
  expect(await first).toBe(10);
  await turn();
  const fourth = call(4);
  batches[1]?.end();
  expect(await second).toBe(20);
  await turn();
  batches[2]?.end();
  expect(await fourth).toBe(40);
});

it("refuses what has waited too long when its statement would begin, and nothing that came later", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const { batches, work, itemsSoFar } = gatedWork();
    const call = gather(work, { atOnce: 1, most: 2, waiting: 10, waitMs: 8_000 });
    const first = call(1);
    await turn();
    const tooLong = Promise.allSettled([call(2), call(3), call(4)]);
    vi.advanceTimersByTime(1);
    const late = call(5);
    vi.advanceTimersByTime(8_000);
    batches[0]?.end();
    expect(await first).toBe(10);
    expect((await tooLong).map((outcome) => outcome.status === "rejected" && outcome.reason)).toMatchObject(Array(3).fill({ code: "SERVER_UNAVAILABLE" }));
    await turn();
    expect(itemsSoFar()).toEqual([[1], [5]]);
    batches[1]?.end();
    expect(await late).toBe(50);
  } finally {
    vi.useRealTimers();
  }
});
