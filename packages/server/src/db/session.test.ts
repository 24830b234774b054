import { afterEach, beforeEach, expect, it } from "vitest";

import { openLog } from "../log.ts";
import { openDatabase } from "./database.ts";
import { createTestDatabase } from "./test-database.ts";
import type { TestDatabase } from "./test-database.ts";

let test: TestDatabase;

beforeEach(async () => {
  test = await createTestDatabase();
});
afterEach(() => test.drop());

it("a session plans as our statements need, and keeps what the URL's own options say", async () => {
  const { host, user, database } = test.address;
  const options = encodeURIComponent("-c search_path=pg_catalog -c enable_seqscan=on");
  const connectionString = `postgres://${user}@/${database}?host=${encodeURIComponent(host)}&options=${options}`;
  const db = openDatabase({ log: openLog({ level: "silent", pretty: false }) }, { connectionString });
  try {
    const { rows } = await db.query(
      `select current_setting('search_path') as path, current_setting('enable_seqscan') as seqscan, current_setting('enable_hashjoin') as hashjoin,
              current_setting('enable_mergejoin') as mergejoin, current_setting('plan_cache_mode') as plans, current_setting('jit') as jit`,
    );
    expect(rows).toEqual([{ path: "pg_catalog", seqscan: "off", hashjoin: "off", mergejoin: "off", plans: "force_generic_plan", jit: "off" }]);
  } finally {
    await db.close();
  }
});
