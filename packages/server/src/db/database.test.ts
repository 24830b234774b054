import { EventEmitter, once } from "node:events";

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { limits } from "../limits.ts";
import { openLog } from "../log.ts";
import { openDatabase } from "./database.ts";
import { createTestDatabase } from "./test-database.ts";
import type { TestDatabase } from "./test-database.ts";

describe("database", () => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await createTestDatabase();
  });
  afterAll(() => test.drop());

  it("gives bigint and numeric as text, timestamptz as a date and json parsed", async () => {
    const { rows } = await test.db.query(
      "select 9007199254740993::bigint as big, 0.000585::numeric(24,12) as exact, to_timestamp(0) as time, '[1]'::jsonb as json",
    );
    expect(rows).toEqual([{ big: "9007199254740993", exact: "0.000585000000", time: new Date(0), json: [1] }]);
  });

  it("commits a transaction whose work returns and rolls back one whose work throws", async () => {
    await test.db.query("create table marks (name text)");
    await test.db.transaction((tx) => tx.query("insert into marks values ('kept')"));
    const failing = test.db.transaction(async (tx) => {
      await tx.query("insert into marks values ('lost')");
      throw new Error("on purpose");
    });
    await expect(failing).rejects.toThrow("on purpose");
    expect((await test.db.query("select name from marks")).rows).toEqual([{ name: "kept" }]);
  });

  it("repeats a read whose session was terminated, and reports a write as unavailable", async () => {
    const killSelf = "pg_terminate_backend(pg_backend_pid())";
    await test.db.query("create sequence tries");
    // The first execution ends its own session; the second sees a higher number and answers.
    const { rows } = await test.db.query(`select case when nextval('tries') = 1 then ${killSelf} else true end as answered`);
    expect(rows).toEqual([{ answered: true }]);
    const write = test.db.query(`insert into marks select 'written' where ${killSelf}`);
    await expect(write).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
    expect((await test.db.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  it("repeats a read that PostgreSQL cancelled, and reports a write as unavailable", async () => {
    const other = await createTestDatabase();
    await other.db.query(`alter database ${other.address.database} set statement_timeout = '100ms'`);
    const db = openDatabase({ log: openLog({ level: "silent", pretty: false }) }, other.address);
    await db.query("create sequence tries");
    const slowAtFirst = "case when nextval('tries') = 1 then pg_sleep(30)::text else 'soon' end";
    expect((await db.query(`select ${slowAtFirst} as answered`)).rows).toEqual([{ answered: "soon" }]);
    await expect(db.query("with slow as (select pg_sleep(30)) select * from slow")).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
    await db.close();
    await other.drop();
  });

  it("gives up a database that stays away in the same time when this machine's clock is set back", async () => {
    const db = openDatabase({ log: openLog({ level: "silent", pretty: false }) }, { host: "/no-such-folder", user: "u", database: "d" });
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const asked = expect(db.query("select 1")).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
      vi.setSystemTime(Date.now() - 3_600_000);
      await asked;
    } finally {
      vi.useRealTimers();
      await db.close();
    }
  }, 3 * limits.databaseAwayMs);

  it("gives up a session that does not answer, and goes on with another", async () => {
    const log = openLog({ level: "silent", pretty: false });
    const db = openDatabase({ log }, test.address, { answerMs: 50 });
    await expect(db.query("with slow as (select pg_sleep(30)) select * from slow")).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
    expect((await db.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await db.close();
  });

  it("keeps the sessions that a busy server uses, and closes those of a burst when they were idle for a while", async () => {
    const log = openLog({ level: "silent", pretty: false });
    const other = await createTestDatabase();
    const db = openDatabase({ log }, other.address, { idleMs: 20 });
    const ours = "select count(*)::int from pg_stat_activity where datname = $1 and application_name = 'atelier'";
    const sessions = async () => (await test.db.query<{ count: number }>(ours, [other.address.database])).rows[0]?.count;
    const burst = await Promise.all(Array.from({ length: limits.poolConnections }, () => db.query("select pg_backend_pid() as pid, pg_sleep(0.1)")));
    expect(new Set(burst.flatMap(({ rows }) => rows.map((row) => (row as { pid: number }).pid))).size).toBe(limits.poolConnections);
    await expect.poll(sessions, { timeout: 10_000, interval: 10 }).toBeLessThan(limits.poolConnections);
    // All whose time is up are closed in the same moment.
    const looks: unknown[] = [];
    while (looks.at(-1) !== looks.at(-2) || looks.length < 20) looks.push(await sessions());
    expect(looks.at(-1)).toBe(limits.poolKeptConnections);
    await db.close();
    await other.drop();
  });

  it("reports a wrong statement as it is", async () => {
    await expect(test.db.query("select nothing from nowhere")).rejects.toMatchObject({ code: "42P01" });
  });

  it("delivers notifications, and tells the listener when its session was replaced", async () => {
    const events = new EventEmitter();
    const subscription = await test.db.listen(
      "news",
      (payload) => events.emit("news", payload),
      () => events.emit("reconnected"),
    );
    const first = once(events, "news");
    await test.db.query("select pg_notify('news', 'one')");
    expect(await first).toEqual(["one"]);

    const reconnected = once(events, "reconnected");
    await test.db.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'atelier-listen' and datname = current_database()",
    );
    await reconnected;
    const second = once(events, "news");
    await test.db.query("select pg_notify('news', 'two')");
    expect(await second).toEqual(["two"]);
    subscription.stop();
  });

  it("announces what a statement or a transaction committed, and nothing that was rolled back", async () => {
    const heard: string[] = [];
    const events = new EventEmitter();
    const subscription = await test.db.listen("things", (payload) => {
      heard.push(payload);
      events.emit(payload);
    });
    const announcing = `select unnest($1::text[]) as "announce:things"`;
    const failing = test.db.transaction(async (tx) => {
      await tx.query(announcing, [["undone"]]);
      throw new Error("undone");
    });
    await expect(failing).rejects.toThrow("undone");
    const long = Array.from({ length: 3 }, (_, at) => String(at).repeat(4_000));
    const last = once(events, "last");
    await test.db.query(announcing, [["one", ...long]]);
    await test.db.transaction(async (tx) => {
      await tx.query(announcing, [["two"]]);
      expect(heard).not.toContain("two");
      await tx.query(announcing, [["last"]]);
    });
    await last;
    expect(heard).toEqual(["one", ...long, "two", "last"]);
    subscription.stop();
  });

  it("reports a full disk as such, by itself and inside a transaction", async () => {
    const full = "do $$ begin raise exception 'no space' using errcode = '53100'; end $$";
    await expect(test.db.query(full)).rejects.toMatchObject({ code: "DISK_FULL" });
    await expect(test.db.transaction((tx) => tx.query(full))).rejects.toMatchObject({ code: "DISK_FULL" });
  });

  it("takes every error that PostgreSQL did not send for an unknown outcome", async () => {
    const cause = Object.assign(new Error("write EPROTO"), { code: "EPROTO" });
    const broken = { toPostgres: () => { throw cause; } };
    const write = "with written as (values ($1::text)) select * from written";
    await expect(test.db.query(write, [broken])).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE", cause });
    await expect(test.db.transaction((tx) => tx.query(write, [broken]))).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE", cause });
  });

  it("does what it announces though a listener fails", async () => {
    const heard: string[] = [];
    const failing = await test.db.listen("faults", () => {
      throw new Error("a listener's own");
    });
    const other = await test.db.listen("faults", (payload) => heard.push(payload));
    const announcing = `select unnest($1::text[]) as "announce:faults"`;
    expect((await test.db.query(announcing, [["one"]])).rowCount).toBe(1);
    expect((await test.db.transaction((tx) => tx.query(announcing, [["two"]]))).rowCount).toBe(1);
    expect(heard).toEqual(["one", "two"]);
    failing.stop();
    other.stop();
  });
});
