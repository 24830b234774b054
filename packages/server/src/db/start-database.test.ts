import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { limits } from "../limits.ts";
import { openLog } from "../log.ts";
import { openDatabase } from "./database.ts";
import { startDatabase, waitForDatabase } from "./start-database.ts";
import { createTestDatabase } from "./test-database.ts";
import type { TestDatabase } from "./test-database.ts";

const log = openLog({ level: "silent", pretty: false });

let test: TestDatabase;
beforeEach(async () => {
  test = await createTestDatabase();
});
afterEach(async () => {
  vi.useRealTimers();
  await test.drop();
});

function start(name: string) {
  const { host, user } = test.address;
  const databaseUrl = `postgres://${user}@/${name}?host=${encodeURIComponent(host)}`;
  return startDatabase({ log }, { databaseUrl, folder: "not used", runAs: "auto" });
}

it.each([
  ["LATIN1", false],
  ["SQL_ASCII", true],
])("a database in %s: taken is %s", async (encoding, isTaken) => {
  const name = `${test.address.database}_other`;
  await test.db.query(`create database ${name} encoding '${encoding}' locale_provider libc locale 'C' template template0`);
  try {
    if (isTaken) await (await start(name)).stop();
    else await expect(start(name)).rejects.toMatchObject({ code: "DATABASE_UNFIT", problem: expect.stringContaining(encoding) });
  } finally {
    await test.db.query(`drop database ${name} with (force)`);
  }
});

it("a database that takes no writes yet is waited for, and named in the end", async () => {
  const { db, address } = test;
  /** For sessions that begin from now on; the others end. */
  const setReadOnly = async (value: "on" | "off"): Promise<void> => {
    await db.query(`begin read write; alter database ${address.database} set default_transaction_read_only = ${value}; commit`);
    await db.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()", [address.database]);
  };
  await setReadOnly("on");
  const waiting = openDatabase({ log }, address);
  try {
    const promoted = waitForDatabase({ db: waiting, log });
    await setReadOnly("off");
    await promoted;
    await setReadOnly("on");
    vi.useFakeTimers({ toFake: ["Date"] });
    const refused = expect(waitForDatabase({ db: waiting, log })).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE", problem: expect.stringContaining("takes no writes") });
    vi.setSystemTime(Date.now() + limits.databaseStartMs + 1);
    await refused;
  } finally {
    await waiting.close();
  }
});
