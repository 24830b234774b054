import { once } from "node:events";
import { connect, createServer } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import pg from "pg";
import { afterEach, beforeEach, expect, it } from "vitest";

import { openLog } from "../log.ts";
import { openDatabase } from "./database.ts";
import { sessionsOf } from "./session.ts";
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

it("a session means the same whatever isolation and form of dates were set for the database", async () => {
  const { db, address } = test;
  await db.query(`alter database ${address.database} set default_transaction_isolation = 'repeatable read'`);
  await db.query(`alter database ${address.database} set datestyle = 'SQL, DMY'`);
  const other = openDatabase({ log: openLog({ level: "silent", pretty: false }) }, address);
  try {
    const { rows } = await other.query("select current_setting('transaction_isolation') as isolation, to_timestamp(0) as at");
    expect(rows).toEqual([{ isolation: "read committed", at: new Date(0) }]);
  } finally {
    await other.close();
  }
});

/** An error of PostgreSQL's that belongs to no statement, as of a server that goes down. */
function farewell(): Buffer {
  const fields = ["SFATAL", "C57P01", "Mterminating connection", ""].join("\0") + "\0";
  const head = Buffer.from([0x45, 0, 0, 0, 0]);
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, Buffer.from(fields)]);
}

it("a server that goes down in the moment in which a session is ready ends the session, not the process", async () => {
  const folder = await mkdtemp(join(tmpdir(), "atelier-door-"));
  const door = createServer((client) => {
    const server = connect(join(test.address.host, ".s.PGSQL.5432"));
    let isPreparing = false;
    client.on("error", () => undefined).on("data", (sent: Buffer) => {
      isPreparing ||= sent.includes("pg_is_in_recovery");
      server.write(sent);
    });
    server.on("error", () => undefined).on("data", (answer: Buffer) => {
      // In one piece, so that nothing comes between the answer and the farewell.
      if (isPreparing) client.end(Buffer.concat([answer, farewell()]));
      else client.write(answer);
    });
    client.on("close", () => server.destroy());
  }).listen(join(folder, ".s.PGSQL.5432"));
  await once(door, "listening");
  const address = { ...test.address, host: folder };
  const pool = new pg.Pool({ ...address, Client: sessionsOf(address) });
  pool.on("error", () => undefined);
  await expect(pool.query("select 1")).rejects.toThrow();
  await pool.end();
  door.close();
  await rm(folder, { recursive: true, force: true });
});
