// What time does to a simulated world: leases run out, tasks are rescued, deadlines pass. The clock is the tasks' own columns.

import { cancelOverdueTasks, killOverdueTasks } from "../../packages/server/src/db/queries/deadlines.ts";
import { failLostTasks, rescueTasks } from "../../packages/server/src/db/queries/leases.ts";
import { limits } from "../../packages/server/src/limits.ts";
import type { World } from "./world.ts";

/** A crashed worker forgets its attempt; a frozen one keeps it and reports too late. Both lose their lease. */
export function crashOrFreeze(world: World): () => Promise<unknown> {
  const attempt = world.random.pick(world.attempts);
  if (!attempt) return async () => undefined;
  if (world.random.chance(0.3)) world.drop(attempt);
  else attempt.frozen = true;
  const { taskId } = attempt.fence;
  return () => world.db.query(`update tasks set lease_expires_at = now() - interval '1 second' where id = $1 and lease_expires_at is not null`, [taskId]);
}

/** A server looks for expired leases. Sometimes enough time has passed for those of all forgotten tasks. */
export function rescue(world: World): () => Promise<void> {
  const isLater = world.random.chance(0.3);
  return async () => {
    if (isLater) await expireForgotten(world);
    await rescueExpired(world);
  };
}

/** The leases of all tasks that no attempt works on any more run out, and they are rescued. */
export async function rescueForgotten(world: World): Promise<void> {
  await expireForgotten(world);
  await rescueExpired(world);
}

async function rescueExpired(world: World): Promise<void> {
  const look = { lostLeases: limits.lostLeases, most: limits.rescueBatch };
  await failLostTasks(world.db, look);
  await rescueTasks(world.db, look);
  // Whoever froze wakes up after its lease was taken away.
  for (const attempt of world.attempts) attempt.frozen = false;
}

async function expireForgotten({ db, attempts }: World): Promise<void> {
  await db.query(
    `update tasks set lease_expires_at = now() - interval '1 second'
      where phase = 'leased' and lease_expires_at is not null and not (id::text || ':' || attempt = any($1))`,
    [attempts.map(({ fence }) => `${fence.taskId}:${fence.attempt}`)],
  );
}

export function passDeadline(world: World): () => Promise<void> {
  const taskId = world.anyTask();
  return async () => {
    await world.db.query("update tasks set deadline_at = now() - interval '1 s' where id = $1 and deadline_at is not null", [taskId]);
    await cancelOverdueTasks(world.db, limits.deadlineBatch);
    await killOverdueTasks(world.db, limits.deadlineBatch);
  };
}
