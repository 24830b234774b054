// ATELIER_SIMULATION_SECONDS lengthens the search; ATELIER_SIMULATION_SEED redoes one world.

import { readFile } from "node:fs/promises";

import { allowedMoves, isTerminal, leasedStatuses, statuses } from "@atelier/schema/status";
import type { Status } from "@atelier/schema/status";
import fc from "fast-check";
import { expect, test } from "vitest";

import type { Database } from "../../packages/server/src/db/database.ts";
import { createTestDatabase } from "../../packages/server/src/db/test-database.ts";
import { brokenBudgets, brokenPromises } from "./invariants.ts";
import { simulateLives, workerPlaces } from "./simulate-lives.ts";

const seconds = Number(process.env["ATELIER_SIMULATION_SECONDS"] ?? 10);
/** Of worlds that one search looks through for the races that it must see. */
const mostWorlds = 150;
const onlySeed = process.env["ATELIER_SIMULATION_SEED"];

test("random lives on the real SQL keep every promise", { timeout: seconds * 2000 + 100_000 }, async () => {
  const { db, drop } = await createTestDatabase();
  try {
    const projectIds = await createProjects(db);
    const until = performance.now() + seconds * 1000;
    const seen = { lives: 0, refused: 0, turnedAway: 0, lost: 0, repeated: 0, spent: 0 };
    const cpuBefore = await cpuSeconds(db);
    let seed = onlySeed === undefined ? Date.now() % 1_000_000_000 : Number(onlySeed);
    let worlds = 0;
    do {
      worlds += 1;
      const world = await simulateLives(db, { projectIds, seed, operations: 600 }).catch((cause: unknown) => {
        throw new Error(`redo it by ATELIER_SIMULATION_SEED=${seed}`, { cause });
      });
      const broken = [...world.broken, ...(await brokenPromises(db, world.acknowledged)), ...(await brokenBudgets(db, workerPlaces))];
      expect(broken, `redo it by ATELIER_SIMULATION_SEED=${seed}`).toEqual([]);
      const { refused, turnedAway, lost, repeated } = world;
      for (const [what, count] of Object.entries({ refused, turnedAway, lost, repeated })) seen[what as keyof typeof seen] += count;
      seen.lives += world.acknowledged.length;
      seen.spent += await reset(db);
      seed += 1;
      // A search that saw no races would prove nothing: it goes on until it has.
    } while (onlySeed === undefined && (performance.now() < until || (Object.values(seen).includes(0) && worlds < mostWorlds)));
    if (onlySeed === undefined) expect(Object.values(seen), `${worlds} worlds up to seed ${seed} saw no race of a kind`).not.toContain(0);
    const cpu = (await cpuSeconds(db)) - cpuBefore;
    console.log(`simulation: ${JSON.stringify(seen)}; ${(seen.lives / cpu).toFixed(0)} lives per CPU-second (${cpu.toFixed(1)} s of ours and PostgreSQL's)`);
  } finally {
    await drop();
  }
});

/** One without limits, one that may run two tasks and have ten more waiting, one with a budget of a few tasks. */
async function createProjects(db: Database): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `insert into projects (uuid, name, auth, running_limit, waiting_limit, budget)
     values (gen_random_uuid(), 'free', 'key', null, null, null), (gen_random_uuid(), 'limited', 'key', 2, 10, null),
            (gen_random_uuid(), 'thrifty', 'key', null, null, 0.02) returning id`,
  );
  return rows.map((row) => row.id);
}

/** Empties the world. Returns how many budgets were spent in it. */
async function reset(db: Database): Promise<number> {
  const { rowCount } = await db.query("select from project_usage u join projects p on p.id = u.project_id where u.spent >= p.budget");
  await db.query("delete from idempotency_keys");
  await db.query("delete from tasks");
  await db.query("delete from ledger");
  await db.query("update project_usage set spent = 0");
  return rowCount ?? 0;
}

/** Processor time of this process and of the database's sessions, where the system tells it (Linux: proc_pid_stat(5), fields 14
 *  and 15 in hundredths of a second). */
async function cpuSeconds(db: Database): Promise<number> {
  const { user, system } = process.cpuUsage();
  const { rows } = await db.query<{ pid: number }>("select pid from pg_stat_activity where datname = current_database()");
  let ticks = 0;
  for (const { pid } of rows) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return (user + system) / 1e6 + ticks / 100;
}

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
