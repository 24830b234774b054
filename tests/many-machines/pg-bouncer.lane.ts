// Several servers that reach their PostgreSQL through PgBouncer.

import { afterEach, expect, it } from "vitest";

import { brokenPromises } from "../simulation/invariants.ts";
import { DebianPostgres } from "./debian-postgres.ts";
import { allEnded, Fleet } from "./fleet.ts";
import { PgBouncer } from "./pg-bouncer.ts";

const seed = Number(process.env["ATELIER_LANE_SEED"] ?? Date.now() % 1_000_000);
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

it("servers work through PgBouncer in session mode, hear notifications through it, and outlast its death", async () => {
  const postgres = await DebianPostgres.create();
  cleanups.push(() => postgres.remove());
  const bouncer = await PgBouncer.create(postgres);
  cleanups.push(() => bouncer.remove());
  const fleet = await Fleet.start(bouncer.url(), 2);
  cleanups.push(() => fleet.stop());

  const [one, other] = [fleet.openDatabase(), fleet.openDatabase()];
  const heard = await new Promise((resolve) => {
    const listening = one.listen("news", resolve);
    void listening.then(() => other.query(`select 'good' as "announce:news"`));
  });
  expect(heard).toBe("good");
  await other.close();

  const load = fleet.startLoad(seed);
  await load.more(20);
  await bouncer.kill();
  await bouncer.start();
  await load.more(20);
  const acknowledged = await load.stop();
  await allEnded(one);
  expect(await brokenPromises(one, acknowledged), `seed ${seed}`).toEqual([]);
  await one.close();
  expect(await fleet.stop()).toEqual([0, 0]);
});
