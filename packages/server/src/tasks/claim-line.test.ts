import { afterEach, expect, test } from "vitest";

import { createTestDatabase } from "../db/test-database.ts";
import { openClaimLine } from "./claim-line.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

test("a claim is refused at once while too many wait, and taken again when one of them has ended", async () => {
  const { db, drop } = await createTestDatabase();
  const line = await openClaimLine({ db }, 1);
  cleanups.push(drop, () => line.close());
  const claim = (stop: AbortController) => line.claim({ workerId: "w1", models: ["test/fake"], most: 1 }, { signal: stop.signal, waitMs: 60_000 });
  const stops = [new AbortController(), new AbortController()] as const;
  const first = claim(stops[0]);
  await expect(claim(stops[1])).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
  stops[0].abort();
  expect(await first).toEqual([]);
  const second = claim(stops[1]);
  stops[1].abort();
  expect(await second).toEqual([]);
});
