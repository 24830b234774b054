import { expect, it } from "vitest";

import { statisticsOfNames } from "./model-statistics.ts";
import { noStatistics } from "./wire-tool.ts";

const old = { runCount: 5, successCount: 3, errorCount: 1, lastRunAt: new Date(1_000), meanElapsedSeconds: "2.0000" };
const now = { runCount: 2, successCount: 1, errorCount: 0, lastRunAt: new Date(9_000), meanElapsedSeconds: "6.0000" };
const all = new Map([["a/old", old], ["a/now", now], ["a/waiting", { ...noStatistics, runCount: 1 }]]);

it("a model's old names count as its own", () => {
  expect(statisticsOfNames(["a/now", "a/old", "a/never"], all)).toEqual({
    runCount: 7, successCount: 4, errorCount: 1, lastRunAt: new Date(9_000), meanElapsedSeconds: "3.0000",
  });
  expect(statisticsOfNames(["a/waiting", "a/now"], all)).toMatchObject({ runCount: 3, meanElapsedSeconds: "6.0000" });
  expect(statisticsOfNames(["a/never"], all)).toEqual(noStatistics);
});
