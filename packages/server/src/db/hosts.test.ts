import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { join } from "node:path";

import { afterEach, beforeEach, expect, it } from "vitest";

import { openLog } from "../log.ts";
import { openDatabase } from "./database.ts";
import { splitHosts } from "./hosts.ts";
import { createTestDatabase } from "./test-database.ts";
import type { TestDatabase } from "./test-database.ts";

let test: TestDatabase;
const servers: Server[] = [];

beforeEach(async () => {
  test = await createTestDatabase();
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await test.drop();
});

/** A host of the test database: its socket behind a port. */
async function openHost(): Promise<{ port: number; close(): void; silence(): void }> {
  const open = new Set<() => void>();
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((client) => {
    const upstream = connect(join(test.address.host, ".s.PGSQL.5432"));
    client.pipe(upstream).pipe(client);
    pairs.add([client, upstream]);
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    open.add(cut);
    for (const side of [client, upstream]) side.on("error", cut).on("close", cut);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    server.close();
    for (const cut of open) cut();
  };
  /** The connections that are open now carry nothing any more; new ones work. */
  const silence = (): void => {
    for (const [client, upstream] of pairs) {
      client.unpipe(upstream).pause();
      upstream.unpipe(client).pause();
    }
  };
  return { port: (server.address() as AddressInfo).port, close, silence };
}

it("several hosts become one URL each, with user, name and options", () => {
  expect(splitHosts("postgres://me:pa%2Css@one:5433,two,[::1]:7/name?target_session_attrs=read-write&sslmode=require")).toEqual([
    "postgres://me:pa%2Css@one:5433/name?sslmode=require",
    "postgres://me:pa%2Css@two/name?sslmode=require",
    "postgres://me:pa%2Css@[::1]:7/name?sslmode=require",
  ]);
  expect(splitHosts("postgresql://one,two/name?target_session_attrs=primary")).toEqual(["postgresql://one/name", "postgresql://two/name"]);
});

it("one host stays as it is", () => {
  for (const url of ["postgres://one/name?a=b,c", "postgres:///name?host=/run/postgresql", "postgres://u:p,w@one/n"]) {
    expect(splitHosts(url)).toEqual([url]);
  }
});

it("sessions, transactions, listeners and announcements move to the next host when one is gone", async () => {
  const [first, second] = [await openHost(), await openHost()];
  const hosts = `127.0.0.1:${first.port},127.0.0.1:${second.port}`;
  const { user, database } = test.address;
  const log = openLog({ level: "silent", pretty: false });
  const db = openDatabase({ log }, { connectionString: `postgres://${user}@${hosts}/${database}?target_session_attrs=read-write` });
  try {
    let reconnected: () => void = () => undefined;
    let heard: (payload: string) => void = () => undefined;
    await db.listen("news", (payload) => heard(payload), () => reconnected());
    await db.query("create table marks (name text)");
    const back = new Promise<void>((resolve) => (reconnected = resolve));
    first.close();
    await back;
    const news = new Promise<string>((resolve) => (heard = resolve));
    await db.transaction((tx) => tx.query("insert into marks values ('after')"));
    await db.query(`select 'one' as "announce:news"`);
    expect(await news).toBe("one");
    expect((await db.query("select name from marks")).rows).toEqual([{ name: "after" }]);
  } finally {
    await db.close();
  }
});

it("sessions that died without a word are given up, also the one that only listens, and others take their place", async () => {
  const host = await openHost();
  const { user, database } = test.address;
  const log = openLog({ level: "silent", pretty: false });
  const db = openDatabase({ log }, { connectionString: `postgres://${user}@127.0.0.1:${host.port}/${database}` }, { answerMs: 200, pingMs: 50 });
  try {
    let heard: (payload: string) => void = () => undefined;
    let reconnected: () => unknown = () => undefined;
    await db.listen("news", (payload) => heard(payload), () => void reconnected());
    await db.query("select 1");
    host.silence();
    const news = new Promise<string>((resolve, reject) => {
      heard = resolve;
      // As another server's: not told in this process. Again with each session: a slow machine may lose more than one.
      reconnected = () => test.db.query("select pg_notify('news', 'one')").catch(reject);
    });
    expect(await news).toBe("one");
    expect((await db.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  } finally {
    host.close();
    await db.close();
  }
});
