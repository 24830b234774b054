import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { openLog } from "../log.ts";
import { openDatabase } from "./database.ts";
import { migrate, missingMigrations, readMigrations } from "./migrate.ts";
import { createTestDatabase } from "./test-database.ts";
import type { TestDatabase } from "./test-database.ts";

const log = openLog({ level: "silent", pretty: false });
const first = { version: 1, name: "0001-a.sql", sql: "", sha256: "a" };
const second = { version: 2, name: "0002-b.sql", sql: "", sha256: "b" };

describe("migrate", () => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await createTestDatabase();
  });
  afterAll(() => test.drop());

  it("applies nothing to a database that is up to date, also when two servers start at once", async () => {
    const runs = await Promise.all([migrate({ db: test.db, log }), migrate({ db: test.db, log })]);
    expect(runs).toEqual([[], []]);
  });

  it("applies a new migration once, even when two servers start at once", async () => {
    const known = await readMigrations();
    const next = { version: 9001, name: "9001-test.sql", sql: "create table once (id int)", sha256: "x" };
    const runs = await Promise.all([
      migrate({ db: test.db, log }, [...known, next]),
      migrate({ db: test.db, log }, [...known, next]),
    ]);
    expect(runs.flat()).toEqual([9001]);
  });

  it("a migration takes its time, whatever time an operator leaves requests", async () => {
    const other = await createTestDatabase();
    await other.db.query(`alter database ${other.address.database} set statement_timeout = '50ms'`);
    const db = openDatabase({ log }, other.address);
    const slow = { version: 9001, name: "9001-slow.sql", sql: "select pg_sleep(0.2)", sha256: "x" };
    expect(await migrate({ db, log }, [...(await readMigrations()), slow])).toEqual([9001]);
    expect((await db.query("select current_setting('statement_timeout') as ms")).rows).toEqual([{ ms: "50ms" }]);
    await db.close();
    await other.drop();
  });

  it("leaves nothing of a migration that fails", async () => {
    const known = await readMigrations();
    const extra = { version: 9001, name: "9001-test.sql", sql: "", sha256: "x" };
    const broken = { version: 9002, name: "9002-broken.sql", sql: "create table half (id int); select broken", sha256: "y" };
    await expect(migrate({ db: test.db, log }, [...known, extra, broken])).rejects.toThrow();
    const { rows } = await test.db.query("select to_regclass('half') as half");
    expect(rows).toEqual([{ half: null }]);
  });

  it("applies in order what the database does not have", () => {
    expect(missingMigrations([first, second], [{ version: 1, sha256: "a" }])).toEqual([second]);
  });

  it("refuses a database that a newer version migrated", () => {
    const applied = [first, second];
    expect(() => missingMigrations([first], applied)).toThrow(expect.objectContaining({ code: "DATABASE_NEWER" }));
  });

  it("refuses a migration that changed after it was applied", () => {
    const applied = [{ version: 1, sha256: "other" }];
    expect(() => missingMigrations([first], applied)).toThrow(expect.objectContaining({ code: "MIGRATION_ALTERED" }));
  });
});
