import { expect, test } from "vitest";

import { limits } from "../limits.ts";
import { nextWaitMs } from "./retry-schedule.ts";

test("the first two waits are exact, later ones vary by a fifth, and there is a last one", () => {
  const waits = limits.deliveryWaitsMs.map((_, index) => [nextWaitMs(index + 1, () => 0), nextWaitMs(index + 1, () => 1)]);
  expect(waits.slice(0, 3)).toEqual([
    [2_000, 2_000],
    [2_000, 2_000],
    [24_000, 36_000],
  ]);
  expect(nextWaitMs(limits.deliveryWaitsMs.length, () => 0.5)).toBe(limits.deliveryWaitsMs.at(-1));
  expect(nextWaitMs(limits.deliveryWaitsMs.length + 1, () => 0.5)).toBeUndefined();
});

test("the tries reach over more than a day", () => {
  const hours = limits.deliveryWaitsMs.reduce((sum, waitMs) => sum + waitMs, 0) / 3_600_000;
  expect(hours).toBeGreaterThan(24);
  expect(hours).toBeLessThan(48);
});
