// The soak as a test. ATELIER_SOAK_KILLS: how many kills (default 30). ATELIER_SOAK_SEED redoes one. ATELIER_SOAK_REPORT: a file
// for what it found (tests/crash/soak.mjs makes a report of it).

import { writeFile } from "node:fs/promises";

import { expect, test } from "vitest";

import { checkNames } from "./soak/checks.ts";
import { soak } from "./soak/soak.ts";

const kills = Number(process.env["ATELIER_SOAK_KILLS"] ?? 30);
const seed = Number(process.env["ATELIER_SOAK_SEED"] ?? Date.now() % 1_000_000);
const file = process.env["ATELIER_SOAK_REPORT"];

test(`${kills} kills of server, PostgreSQL, workers and engines lose nothing and do nothing twice`, { timeout: 600_000 + kills * 30_000 }, async () => {
  const report = await soak({ kills, seed, onProgress: (text) => file !== undefined && process.stderr.write(`${text}\n`) });
  console.log(`soak: ${JSON.stringify(report)}`);
  if (file !== undefined) await writeFile(file, JSON.stringify({ ...report, checks: checkNames }));
  expect(report.violations, `seed ${seed}`).toEqual([]);
  expect(report.kills).toBeGreaterThanOrEqual(kills);
  expect(report.acknowledged).toBeGreaterThan(kills);
  expect(report.repeatedAttempts).toBeGreaterThan(0);
});
