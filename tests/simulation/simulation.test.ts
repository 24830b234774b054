// ATELIER_SIMULATION_SECONDS lengthens the search; ATELIER_SIMULATION_SEED redoes one world.

import { allowedMoves, isTerminal, leasedStatuses, statuses } from "@atelier/schema/status";
import type { Status } from "@atelier/schema/status";
import fc from "fast-check";
import { expect, test } from "vitest";

import { createTestDatabase } from "../../packages/server/src/db/test-database.ts";
import { fewSessions } from "./few-sessions.ts";
import { searchWorlds } from "./search.ts";

const seconds = Number(process.env["ATELIER_SIMULATION_SECONDS"] ?? 20);
const onlySeed = process.env["ATELIER_SIMULATION_SEED"];

test("random lives on the real SQL keep every promise", { timeout: seconds * 2000 + 100_000 }, async () => {
  const { db, drop } = await createTestDatabase();
  try {
    const isOne = onlySeed !== undefined;
    const firstSeed = isOne ? Number(onlySeed) : Date.now() % 1_000_000_000;
    const { worlds, seen, own, sessions } = await searchWorlds(fewSessions(db), { seconds, firstSeed, isOne });
    if (!isOne) expect(Object.values(seen), `${worlds} worlds from seed ${firstSeed} saw no race of a kind`).not.toContain(0);
    const perSecond = (seen.lives / (own + sessions)).toFixed(0);
    const processorTime = `${own.toFixed(1)} s ours, ${sessions.toFixed(1)} s PostgreSQL's`;
    console.log(`simulation: ${worlds} worlds, ${JSON.stringify(seen)}; ${perSecond} lives per CPU-second (${processorTime})`);
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
