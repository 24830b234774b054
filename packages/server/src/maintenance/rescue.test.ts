import { afterEach, expect, test, vi } from "vitest";

import { claimTask, renewLeases } from "../db/queries/leases.ts";
import type { Queryable } from "../db/queryable.ts";
import { createTestDatabase } from "../db/test-database.ts";
import { insertProject, insertTask } from "../db/test-task.ts";
import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import { openLog } from "../log.ts";
import { startRescue } from "./rescue.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A task whose lease has run out, and a server's rescue that has begun long ago. */
async function setup() {
  // The passes that it makes by itself.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  cleanups.push(() => vi.useRealTimers());
  const { db, drop } = await createTestDatabase();
  cleanups.push(drop);
  const projectId = await insertProject(db);
  const id = await insertTask(db, { projectId, token: "t", model: "test/fake", modelId: "1", parameters: {}, input: {}, callbackUrl: "", cps: "0", outputFolderId: "f" });
  const claim = () => claimTask(db, { workerId: "w", models: ["test/fake"], leaseMs: -1 });
  const renew = () => renewLeases(db, { workerId: "w", leaseMs: 60_000, held: [{ id, attempt: 1 }] });
  const clock = { nowMs: 0 };
  const database = { isAway: false };
  const query: Queryable["query"] = (...call) => (database.isAway ? Promise.reject(new AtelierError("SERVER_UNAVAILABLE")) : db.query(...call));
  const rescue = startRescue({ db: { query }, log: openLog({ level: "silent", pretty: false }) }, () => clock.nowMs);
  cleanups.push(() => rescue.stop());
  /** Passes for so long, as the server makes them. Returns when the first task was rescued, from now. */
  const passFor = async (milliseconds: number): Promise<number | undefined> => {
    for (let passedMs = limits.rescueMs; passedMs <= milliseconds; passedMs += limits.rescueMs) {
      clock.nowMs += limits.rescueMs;
      if ((await rescue.runOnce().catch(() => 0)) > 0) return passedMs;
    }
    return undefined;
  };
  return { db, database, clock, claim, renew, passFor };
}

test("a lease that has run out is rescued by the next pass of a server that has been there", async () => {
  const { claim, passFor } = await setup();
  await passFor(2 * limits.leaseMs);
  await claim();
  expect(await passFor(limits.leaseMs)).toBe(limits.rescueMs);
});

test.each(["refused every statement", "answered none"])("while the database %s leases run out of workers that live: they are heard first", async (how) => {
  const { database, clock, claim, renew, passFor } = await setup();
  await passFor(2 * limits.leaseMs);
  await claim();
  if (how === "answered none") clock.nowMs += 2 * limits.leaseMs;
  else {
    database.isAway = true;
    await passFor(2 * limits.leaseMs);
    database.isAway = false;
  }
  expect(await passFor(limits.leaseMs - limits.rescueMs)).toBeUndefined();
  await renew();
  expect(await passFor(2 * limits.leaseMs)).toBeUndefined();
});

test("a worker that is not heard when the database is back has lost its lease, a lease's time later", async () => {
  const { clock, claim, passFor } = await setup();
  await passFor(2 * limits.leaseMs);
  await claim();
  clock.nowMs += 2 * limits.leaseMs;
  expect(await passFor(2 * limits.leaseMs)).toBe(limits.leaseMs + limits.rescueMs);
});

test("a server that starts hears the workers of the one before it first", async () => {
  const { claim, passFor } = await setup();
  await claim();
  expect(await passFor(2 * limits.leaseMs)).toBe(limits.leaseMs + limits.rescueMs);
});
