import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, it } from "vitest";

import { openLog } from "../log.ts";
import { NothingSent } from "./batches.ts";
import { openDatabase } from "./database.ts";
import type { Database } from "./database.ts";
import type { Queryable } from "./queryable.ts";
import { createTestDatabase } from "./test-database.ts";
import type { TestDatabase } from "./test-database.ts";

const log = openLog({ level: "silent", pretty: false });
let test: TestDatabase;
let db: Database;
const cleanups: (() => unknown)[] = [];
beforeEach(async () => {
  test = await createTestDatabase();
  ({ db } = test);
  await db.query("create table pairs (id int primary key deferrable initially immediate, name text)");
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await test.drop();
});

const insert = (tx: Queryable, id: number, name = "") => tx.query("insert into pairs values ($1, $2)", [id, name]);
const announcing = (tx: Queryable, what: string) => tx.query(`select $1::text as "announce:batches"`, [what]);
const ids = async () => (await db.query<{ id: number }>("select id from pairs order by id")).rows.map(({ id }) => id);
const backend = async (tx: Queryable) => (await tx.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]?.pid;
/** PostgreSQL's processes for the batches of this database. */
const sessions = async (where = "true") =>
  (await db.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and application_name = 'atelier' and pid <> pg_backend_pid() and ${where}`,
  )).rows.map(({ pid }) => pid);

it("commits what is sent together, in its order", async () => {
  const seen = await db.batch(async (tx) => {
    const [, { rows }] = await Promise.all([insert(tx, 1, "first"), tx.query("select name from pairs")]);
    return rows;
  });
  expect([seen, await ids()]).toEqual([[{ name: "first" }], [1]]);
});

it("undoes all of it where one statement is refused, the commit too, and whether or not it was minded", async () => {
  await insert(db, 1);
  const refused = db.batch((tx) => Promise.all([insert(tx, 2), insert(tx, 1), insert(tx, 3)]));
  await expect(refused).rejects.toMatchObject({ code: "23505" });
  const late = db.batch((tx) => Promise.all([tx.query("set constraints all deferred"), insert(tx, 2), insert(tx, 1)]));
  await expect(late).rejects.toMatchObject({ code: "23505" });
  const unminded = db.batch((tx) => Promise.all([insert(tx, 2), insert(tx, 1).catch(() => undefined)]));
  await expect(unminded).rejects.toThrow("all of it was undone");
  expect([await ids(), await sessions("state <> 'idle'")]).toEqual([[1], []]);
});

it("sends nothing after the commit, and commits what was sent before an error of the work itself", async () => {
  const late = db.batch(async (tx) => {
    await insert(tx, 1);
    await insert(tx, 2);
  });
  await expect(late).rejects.toThrow("the batch has been sent");
  const thrown = db.batch(() => {
    throw new Error("on purpose");
  });
  await expect(thrown).rejects.toThrow("on purpose");
  expect([await ids(), await sessions("state <> 'idle'")]).toEqual([[1], []]);
});

it("announces when it is committed, and not when it was refused", async () => {
  const heard: string[] = [];
  const subscription = await db.listen("batches", (payload) => heard.push(payload));
  const refused = db.batch((tx) => Promise.all([announcing(tx, "undone"), tx.query("select 1 / 0")]));
  await expect(refused).rejects.toMatchObject({ code: "22012" });
  const late = db.batch((tx) => Promise.all([tx.query("set constraints all deferred"), announcing(tx, "undone"), insert(tx, 1), insert(tx, 1)]));
  await expect(late).rejects.toMatchObject({ code: "23505" });
  await db.batch((tx) => announcing(tx, "done"));
  expect(heard).toEqual(["done"]);
  subscription.stop();
});

it("goes on with another session when one is lost, at work or idle or without an answer", async () => {
  const first = await db.batch(backend);
  await expect(db.batch((tx) => tx.query("select pg_terminate_backend(pg_backend_pid())"))).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
  const second = await db.batch(backend);
  expect(second).not.toBe(first);
  await db.query("select pg_terminate_backend($1)", [second]);
  await expect.poll(async () => (await sessions()).includes(second ?? 0)).toBe(false);
  // That it is gone is known here only once its connection says so; what is sent until then has no answer.
  const next = () => db.batch(backend).catch((error: unknown) => expect(error).toMatchObject({ code: "SERVER_UNAVAILABLE" }));
  await expect.poll(next).toEqual(expect.any(Number));
  expect(await db.batch(backend)).not.toBe(second);
  const impatient = openDatabase({ log }, test.address, { answerMs: 1_000 });
  cleanups.push(() => impatient.close());
  const third = await impatient.batch(backend);
  await expect(impatient.batch((tx) => tx.query("select pg_sleep(30)"))).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
  expect(await impatient.batch(backend)).not.toBe(third);
});

it("closes its sessions with the database", async () => {
  const other = openDatabase({ log }, test.address);
  const pid = (await other.batch(backend)) ?? 0;
  expect(await sessions()).toContain(pid);
  await other.close();
  await expect.poll(async () => (await sessions()).includes(pid)).toBe(false);
});

it("waits for no lock that somebody else holds for long", async () => {
  await insert(db, 1);
  await db.transaction(async (tx) => {
    await tx.query("select from pairs for update");
    await expect(db.batch((other) => other.query("select from pairs for update"))).rejects.toMatchObject({ code: "55P03" });
  });
});

interface Door {
  /** Sessions that are answered. */
  readonly most?: number;
  /** What of a client's bytes reaches PostgreSQL; once it is not all of them, nothing passes any more. */
  readonly pass?: (sent: Buffer) => Buffer;
  /** Whether answers are kept back, by all that the client has sent. */
  readonly holds?: (sent: string) => boolean;
}

/** In front of PostgreSQL. */
async function openDoor({ most = Infinity, pass = (sent) => sent, holds = () => false }: Door) {
  const folder = await mkdtemp(join(tmpdir(), "atelier-door-"));
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("error", () => undefined);
  };
  let count = 0;
  const door = createServer((client) => {
    keep(client);
    count += 1;
    if (count > most) return;
    const server = keep(connect(join(test.address.host, ".s.PGSQL.5432")));
    let isOpen = true;
    let [seen, kept] = ["", Buffer.alloc(0)];
    const answer = (): void => {
      if (!isOpen || holds(seen)) return;
      client.write(kept);
      kept = Buffer.alloc(0);
    };
    client.on("data", (sent: Buffer) => {
      const passed = isOpen ? pass(sent) : Buffer.alloc(0);
      isOpen &&= passed.length === sent.length;
      server.write(passed);
      seen += sent.toString("latin1");
      answer();
    });
    server.on("data", (part: Buffer) => {
      kept = Buffer.concat([kept, part]);
      answer();
    });
    client.on("close", () => isOpen && server.destroy());
  }).listen(join(folder, ".s.PGSQL.5432"));
  await once(door, "listening");
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => door.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });
  return { host: folder, asked: () => count };
}

it("says soon, and then at once, that no session can be had; single statements go on", async () => {
  const { host, asked } = await openDoor({ most: 1 });
  const full = openDatabase({ log }, { ...test.address, host });
  cleanups.push(() => full.close());
  await full.query("select 1");
  await expect(full.batch(backend)).rejects.toBeInstanceOf(NothingSent);
  const before = asked();
  for (let count = 0; count < 10; count += 1) await expect(full.batch(backend)).rejects.toBeInstanceOf(NothingSent);
  expect(asked()).toBe(before);
  expect((await full.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

it("everything is on its way before anything is answered", async () => {
  const { host } = await openDoor({ holds: (sent) => sent.includes("begin\0") && !sent.includes("commit\0") });
  const far = openDatabase({ log }, { ...test.address, host }, { answerMs: 5_000 });
  cleanups.push(() => far.close());
  await far.batch((tx) => Promise.all([insert(tx, 1), insert(tx, 2)]));
  expect(await ids()).toEqual([1, 2]);
});

it("when the commit does not come PostgreSQL gives the locks back by itself", async () => {
  await insert(db, 1);
  const withoutCommit = (sent: Buffer): Buffer => {
    const at = sent.indexOf("commit\0");
    // The head of a simple query: its kind and length.
    return at < 0 ? sent : sent.subarray(0, at - 5);
  };
  const { host } = await openDoor({ pass: withoutCommit });
  const cut = openDatabase({ log }, { ...test.address, host }, { answerMs: 5_000 });
  cleanups.push(() => cut.close());
  await expect(cut.batch((tx) => tx.query("select from pairs for update"))).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
  await db.transaction((tx) => tx.query("select from pairs for update"));
});
