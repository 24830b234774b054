// The soak: kills, freezes, silences and fills at random under load, and checks afterwards that every promise was kept.

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { Database } from "../../../packages/server/src/db/database.ts";
import { seededRandom } from "../../simulation/random.ts";
import type { SeededRandom } from "../../simulation/random.ts";
import { brokenChecks } from "./checks.ts";
import { disturbances, pickDisturbance } from "./disturbances.ts";
import { startLoad } from "./load.ts";
import type { Load } from "./load.ts";
import { SoakWorld } from "./soak-world.ts";

export interface SoakReport {
  readonly seed: number;
  readonly kills: number;
  /** How often each disturbance was caused. */
  readonly counts: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly acknowledged: number;
  /** Runs without a key whose answer did not come. */
  readonly unknown: number;
  readonly handedOver: number;
  readonly endings: Readonly<Record<string, number>>;
  /** Attempts beyond the first: what was run again. */
  readonly repeatedAttempts: number;
  readonly hasFilledDisk: boolean;
  readonly violations: readonly string[];
  readonly exitCode: number | null;
}

/** Disturbances that kill nothing come between so many kills. */
const killsBetween = 6;
const longestPauseMs = 900;
/** Everything must have ended so long after the last disturbance: ten lost leases, and a callback whose sender died. */
const settleMs = 180_000;

export async function soak({ kills, seed, onProgress }: { kills: number; seed: number; onProgress: (text: string) => void }): Promise<SoakReport> {
  const startedAt = performance.now();
  const world = await SoakWorld.open();
  try {
    const load = startLoad(world, seed + 1);
    const counts = await disturb(world, { kills, random: seededRandom(seed), onProgress });
    await load.stop();
    const found = await examine(world, load);
    const exitCode = await world.server.stop();
    const violations = [...found.violations, ...(exitCode === 0 ? [] : [`the server stopped with ${exitCode}`])];
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    return { seed, kills: killsIn(counts), counts, seconds, hasFilledDisk: world.hasOwnDisk, ...found, violations, exitCode };
  } finally {
    await world.close();
  }
}

async function disturb(
  world: SoakWorld,
  { kills, random, onProgress }: { kills: number; random: SeededRandom; onProgress: (text: string) => void },
): Promise<Record<string, number>> {
  const counts: Record<string, number> = Object.fromEntries(disturbances.map(({ name }) => [name, 0]));
  for (let turn = 1; killsIn(counts) < kills; turn += 1) {
    await delay(random.below(longestPauseMs));
    const { name, cause } = pickDisturbance(random, { isKill: turn % killsBetween !== 0 });
    if (!(await cause(world, random))) continue;
    counts[name] = (counts[name] ?? 0) + 1;
    if (turn % 10 === 0) onProgress(`${killsIn(counts)} of ${kills} kills`);
  }
  return counts;
}

function killsIn(counts: Readonly<Record<string, number>>): number {
  return disturbances.reduce((sum, { name, kills }) => sum + kills * (counts[name] ?? 0), 0);
}

/** Tasks that a waiting worker was given in the transaction that created them: both events have its time. */
const handedOver = `
  select count(*)::int as count from task_events created join task_events accepted on accepted.task_id = created.task_id and accepted.seq = 2
   where created.seq = 1 and accepted.type = 'task_accept' and accepted.created_at = created.created_at`;

async function examine(world: SoakWorld, { acknowledged, unknown, surprises }: Load) {
  const db = await world.server.openDatabase();
  try {
    await settled(db);
    const broken = await brokenChecks({ db, filesFolder: join(world.server.folder, "files"), acknowledged, unknown, receiver: world.receiver });
    const { rows } = await db.query<{ ending: string; count: number; more: number }>(
      `select status || coalesce(' pexit ' || pexit, '') as ending, count(*)::int as count, sum(greatest(attempt - 1, 0))::int as more
         from tasks group by 1 order by 1`,
    );
    return {
      acknowledged: acknowledged.length,
      unknown: unknown.size,
      handedOver: (await db.query<{ count: number }>(handedOver)).rows[0]?.count ?? 0,
      endings: Object.fromEntries(rows.map(({ ending, count }) => [ending, count])),
      repeatedAttempts: rows.reduce((sum, { more }) => sum + more, 0),
      violations: [...broken, ...surprises.slice(0, 5).map((text) => `an answer that nobody may get: ${text}`)],
    };
  } finally {
    await db.close();
  }
}

/** Resolves when no task and no callback is under way; gives up, so that the checks say what is not, after a named time. */
async function settled(db: Database): Promise<void> {
  const open = `select (select count(*) from tasks where status not in ('task_postprocess_end', 'task_cancel'))
                     + (select count(*) from deliveries where status = 'waiting') as open`;
  const deadline = Date.now() + settleMs;
  while ((await db.query<{ open: string }>(open)).rows[0]?.open !== "0" && Date.now() < deadline) await delay(200);
}
