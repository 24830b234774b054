// Looks through simulated worlds for one that breaks a promise, each from a seed of its own.

import type { Database } from "../../packages/server/src/db/database.ts";
import { limits } from "../../packages/server/src/limits.ts";
import { brokenAnswers, brokenBudgets, brokenPromises } from "./invariants.ts";
import { ProcessorTime } from "./processor-time.ts";
import { simulateLives } from "./simulate-lives.ts";
import { workerPlaces } from "./world.ts";

/** Of worlds that one search looks through for the races that it must see. */
const mostWorlds = 150;
const operationsOfWorld = 600;

export interface Search {
  readonly seconds: number;
  readonly firstSeed: number;
  /** The world of the first seed and no other. */
  readonly isOne: boolean;
}

/** How often a search saw what it is about. */
export interface Seen {
  lives: number;
  handedOver: number;
  refused: number;
  mixed: number;
  spoilt: number;
  turnedAway: number;
  lost: number;
  repeated: number;
  /** Budgets that were spent. */
  spent: number;
  /** Tasks given up because their engines crashed too often. */
  givenUp: number;
}

export interface Found {
  readonly worlds: number;
  readonly seen: Seen;
  /** Processor time in seconds: of this process, and of PostgreSQL's sessions. */
  readonly own: number;
  readonly sessions: number;
}

/** Throws, naming the seed, at the first world that breaks a promise. A search that saw no races would prove nothing: it goes on until it
 *  has. */
export async function searchWorlds(db: Database, { seconds, firstSeed, isOne }: Search): Promise<Found> {
  const projectIds = await createProjects(db);
  const seen: Seen = { lives: 0, handedOver: 0, refused: 0, mixed: 0, spoilt: 0, turnedAway: 0, lost: 0, repeated: 0, spent: 0, givenUp: 0 };
  const time = new ProcessorTime(db);
  let { own, sessions } = await time.look();
  const until = performance.now() + seconds * 1000;
  let worlds = 0;
  do {
    const seed = firstSeed + worlds;
    await lookAtWorld(db, { seed, projectIds, seen }).catch((cause: unknown) => {
      throw new Error(`redo it by ATELIER_SIMULATION_SEED=${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    });
    worlds += 1;
    ({ own, sessions } = await time.look());
  } while (!isOne && (performance.now() < until || (Object.values(seen).includes(0) && worlds < mostWorlds)));
  return { worlds, seen, own, sessions };
}

async function lookAtWorld(db: Database, { seed, projectIds, seen }: { seed: number; projectIds: readonly string[]; seen: Seen }): Promise<void> {
  const world = await simulateLives(db, { projectIds, seed, operations: operationsOfWorld });
  const broken = [
    ...world.broken,
    ...(await brokenPromises(db, world.acknowledged)),
    ...(await brokenAnswers(db, world)),
    ...(await brokenBudgets(db, workerPlaces)),
  ];
  if (broken.length > 0) throw new Error(broken.join("; "));
  seen.lives += world.acknowledged.length;
  for (const what of ["handedOver", "refused", "mixed", "spoilt", "turnedAway", "lost", "repeated"] as const) seen[what] += world[what];
  seen.givenUp += await countGivenUp(db);
  seen.spent += await emptyWorld(db);
}

/** One without limits, one that may run two tasks and have ten more waiting, one with a budget of a few tasks. */
async function createProjects(db: Database): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `insert into projects (uuid, name, auth, running_limit, waiting_limit, budget)
     values (gen_random_uuid(), 'free', 'key', null, null, null), (gen_random_uuid(), 'limited', 'key', 2, 10, null),
            (gen_random_uuid(), 'thrifty', 'key', null, null, 0.02) returning id`,
  );
  return rows.map((row) => row.id);
}

async function countGivenUp(db: Database): Promise<number> {
  const { rowCount } = await db.query("select from tasks where debug_error like $1", [`ENGINE_FAILED ${limits.engineFailures} times; %`]);
  return rowCount ?? 0;
}

/** Returns how many budgets were spent in it. */
async function emptyWorld(db: Database): Promise<number> {
  const { rowCount } = await db.query("select from project_usage u join projects p on p.id = u.project_id where u.spent >= p.budget");
  await db.query("delete from idempotency_keys");
  await db.query("delete from tasks");
  await db.query("delete from ledger");
  await db.query("update project_usage set spent = 0");
  return rowCount ?? 0;
}
