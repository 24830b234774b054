// Seeded lives of tasks on the real SQL and the lines by which a process shares its statements: workers that draw, crash, freeze
// and wake up, callers that repeat, cancel and kill, projects with limits and budgets, deadlines, and processes that crash at
// the worst moments.
//
// The seed draws what is asked, by whom, with what beside it and with which fate; up to six of these race in sessions of their
// own, and whose lock comes first is PostgreSQL's to say.

import type { Database } from "../../packages/server/src/db/database.ts";
import { cancelWaitingTask } from "../../packages/server/src/db/queries/endings.ts";
import { ending, fillQueue, submission } from "./callers.ts";
import { brokenLimits } from "./invariants.ts";
import { crashOrFreeze, passDeadline, rescue, rescueForgotten } from "./passing-time.ts";
import { seededRandom } from "./random.ts";
import { claim, claimsOfAll, endAll, fillPlaces, heartbeat, report, waitingWorker } from "./workers.ts";
import { World } from "./world.ts";
import type { Lives } from "./world.ts";

/** Runs `operations` random operations in bursts, then lets everything end. */
export async function simulateLives(
  db: Database,
  options: { projectIds: readonly string[]; seed: number; operations: number },
): Promise<Lives> {
  const world = new World(db, seededRandom(options.seed), options.projectIds);
  await fillQueue(world, options.projectIds.at(-1) ?? "");
  for (let operations = 0; operations < options.operations; ) operations += await burst(world);
  await settle(world);
  return world.lives;
}

/** Some operations at once; or news of a waiting task wakes all workers. Returns how many. */
async function burst(world: World): Promise<number> {
  const isStampede = world.random.chance(0.15);
  const operations = isStampede ? claimsOfAll(world) : Array.from({ length: 1 + world.random.below(6) }, () => draw(world));
  const isLookedAt = isStampede || world.random.chance(0.2);
  await Promise.all(operations.map((operation) => operation()));
  if (isLookedAt) world.lives.broken.push(...(await brokenLimits(world.db)));
  return operations.length;
}

/** What is asked is drawn now; nothing is drawn while operations race. */
function draw(world: World): () => Promise<unknown> {
  const dice = world.random.below(100);
  const network = world.network();
  if (dice < 13) return submission(world, network, world.random.chance(0.4) ? waitingWorker(world) : undefined);
  if (dice < 35) return claim(world, network);
  if (dice < 71) return report(world, network);
  if (dice < 80) return crashOrFreeze(world);
  if (dice < 86) return rescue(world);
  if (dice < 88) return heartbeat(world);
  if (dice < 93) return ending(world, network, "kill");
  if (dice < 97) return ending(world, network, "cancel");
  return passDeadline(world);
}

/** No more crashes: what waits is claimed and worked to its end, or cancelled where a budget lets nothing start. */
async function settle(world: World): Promise<void> {
  for (;;) {
    await rescueForgotten(world);
    const claimed = await fillPlaces(world);
    await endAll(world);
    if (claimed > 0) continue;
    const { rows } = await world.db.query<{ id: string; isWaiting: boolean }>(
      `select id, phase = 'waiting' as "isWaiting" from tasks where phase in ('waiting', 'leased')`,
    );
    if (rows.length === 0) return;
    if (rows.every((row) => row.isWaiting)) await Promise.all(rows.map((row) => cancelWaitingTask(world.db, row.id)));
  }
}
