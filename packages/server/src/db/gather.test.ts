import { expect, it } from "vitest";

import { gather } from "./gather.ts";

/** Work that ends when the test says so. */
function gatedWork() {
  const batches: { readonly items: readonly number[]; readonly end: () => void; readonly fail: (error: Error) => void }[] = [];
  const work = (items: readonly number[]): Promise<readonly number[]> =>
    new Promise((resolve, reject) => batches.push({ items, end: () => resolve(items.map((item) => item * 10)), fail: reject }));
  return { batches, work };
}

it("starts a lone call at once, and gathers what comes meanwhile in order and up to the limit", async () => {
  const { batches, work } = gatedWork();
  const call = gather(work, { atOnce: 1, most: 3 });
  const results = [1, 2, 3, 4, 5].map((item) => call(item));
  expect(batches.map(({ items }) => items)).toEqual([[1]]);
  batches[0]?.end();
  expect(await results[0]).toBe(10);
  await new Promise(setImmediate);
  expect(batches.map(({ items }) => items)).toEqual([[1], [2, 3, 4]]);
  batches[1]?.end();
  expect(await Promise.all(results.slice(1, 4))).toEqual([20, 30, 40]);
  await new Promise(setImmediate);
  batches[2]?.end();
  expect(await results[4]).toBe(50);
});

it("has at most the given number of statements under way", () => {
  const { batches, work } = gatedWork();
  const call = gather(work, { atOnce: 2, most: 3 });
  for (const item of [1, 2, 3, 4]) void call(item);
  expect(batches.map(({ items }) => items)).toEqual([[1], [2]]);
});

it("fails the items of a failed batch, and goes on", async () => {
  const { batches, work } = gatedWork();
  const call = gather(work, { atOnce: 1, most: 3 });
  const [first, second] = [call(1), call(2)];
  batches[0]?.fail(new Error("away"));
  await expect(first).rejects.toThrow("away");
  await new Promise(setImmediate);
  batches[1]?.end();
  expect(await second).toBe(20);
});

it("fails a batch whose answer has another length", async () => {
  const call = gather(async () => [1, 2], { atOnce: 1, most: 3 });
  await expect(call(1)).rejects.toThrow("1 items were answered by 2 results");
});
