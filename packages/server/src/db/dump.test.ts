import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

import { afterEach, beforeEach, expect, it } from "vitest";

import { openDump } from "./dump.ts";
import { createTestDatabase } from "./test-database.ts";
import type { TestDatabase } from "./test-database.ts";

let test: TestDatabase;
beforeEach(async () => {
  test = await createTestDatabase();
});
afterEach(() => test.drop());

const limitMs = 100;
const longerMs = 300;

async function setup(name: string) {
  await test.db.query("create table wide (line text)");
  await test.db.query("insert into wide select repeat('x', 10000) from generate_series(1, 1000)");
  await test.db.query(`alter database ${test.address.database} set ${name} = '${limitMs}ms'`);
  const dump = await openDump(test.address, 10);
  const wide = dump.tables.find((table) => table.name === "wide");
  return { dump, rows: () => dump.rowsOf(wide ?? { name: "wide", columns: [] }) };
}

it("a dump waits while files are copied, however short a time an operator lets transactions be idle", async () => {
  const { dump, rows } = await setup("idle_in_transaction_session_timeout");
  await delay(longerMs);
  expect((await text(rows())).length).toBe(1000 * 10_001);
  await dump.close();
});

it("a table takes its time, however short a time an operator leaves statements", async () => {
  const { dump, rows } = await setup("statement_timeout");
  const stream = rows();
  // More than what is on its way at once: PostgreSQL waits for the reader.
  await new Promise((resolve) => stream.once("readable", resolve));
  await delay(longerMs);
  expect((await text(stream)).length).toBe(1000 * 10_001);
  await dump.close();
});
