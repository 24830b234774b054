// ATELIER_SIMULATION_SECONDS lengthens the search; ATELIER_SIMULATION_SEED redoes one world.

import { allowedMoves, isTerminal, leasedStatuses, statuses } from "@atelier/schema/status";
import type { Status } from "@atelier/schema/status";
import fc from "fast-check";
import { expect, test } from "vitest";

import { createTestDatabase } from "../../packages/server/src/db/test-database.ts";
import { brokenPromises } from "./invariants.ts";
import { simulateLives } from "./simulate-lives.ts";

const seconds = Number(process.env["ATELIER_SIMULATION_SECONDS"] ?? 10);
const onlySeed = process.env["ATELIER_SIMULATION_SEED"];

test("random lives on the real SQL keep every promise", { timeout: seconds * 1000 + 60_000 }, async () => {
  const { db, drop } = await createTestDatabase();
  try {
    const { rows } = await db.query<{ id: string }>(
      `insert into projects (uuid, name, auth) select gen_random_uuid(), 'p' || n, 'key' from generate_series(1, 3) n returning id`,
    );
    const projectIds = rows.map((row) => row.id);
    const until = performance.now() + seconds * 1000;
    let lives = 0;
    let refused = 0;
    let seed = onlySeed === undefined ? Date.now() % 1_000_000_000 : Number(onlySeed);
    do {
      const world = await simulateLives(db, { projectIds, seed, operations: 1_000 });
      expect(world.intrusions, `seed ${seed}`).toEqual([]);
      expect(await brokenPromises(db, world.acknowledged), `seed ${seed}`).toEqual([]);
      lives += world.acknowledged.length;
      refused += world.refused;
      await db.query("truncate tasks, ledger cascade");
      await db.query("update project_usage set spent = 0");
      seed += 1;
    } while (performance.now() < until && onlySeed === undefined);
    console.log(`simulation: ${lives} lives, ${refused} late reports refused, ${Math.round(lives / seconds)} lives/s`);
    expect(refused).toBeGreaterThan(0);
  } finally {
    await drop();
  }
});

test("every walk through the table of moves ends, and only in a terminal status", () => {
  const choices = fc.array(fc.nat(), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(choices, (numbers) => {
      let status: Status = "task_queue";
      for (const number of numbers) {
        const moves: readonly Status[] = allowedMoves[status];
        if (moves.length === 0) break;
        status = moves[number % moves.length] ?? status;
      }
      expect(allowedMoves[status].length === 0).toBe(isTerminal(status));
    }),
    { numRuns: 10_000 },
  );
});

test("Kill and rescue reach every leased status, and nothing leaves a terminal one", () => {
  for (const status of leasedStatuses) {
    expect(allowedMoves[status]).toContain("task_cancel");
    expect(allowedMoves[status]).toContain("task_queue");
  }
  expect(statuses.filter((status) => allowedMoves[status].length === 0)).toEqual(["task_postprocess_end", "task_cancel"]);
});
