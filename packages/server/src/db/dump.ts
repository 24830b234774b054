// Every table of a database out of one snapshot, and into an empty database again. Knows no table by its name, so that a new
// one is in the next backup by itself.

import type { Readable, Writable } from "node:stream";

import pg from "pg";

import { copyIn, copyOut } from "./copy.ts";
import type { DatabaseAddress } from "./database.ts";
import { sessionsOf, withoutTimeouts } from "./session.ts";

export interface DumpTable {
  readonly name: string;
  /** Without those that the database computes. */
  readonly columns: readonly string[];
}

export interface DumpSequence {
  readonly name: string;
  readonly lastValue: string;
  readonly isCalled: boolean;
}

/** A session that sees the database as it was when it was opened. */
export interface Dump {
  readonly tables: readonly DumpTable[];
  readonly sequences: readonly DumpSequence[];
  /** As `server_version`. */
  readonly postgresVersion: string;
  readonly migrations: readonly { readonly version: number; readonly sha256: string }[];
  rowsOf(table: DumpTable): Readable;
  /** The keys of all files that rows refer to, in pages. */
  fileKeys(): AsyncIterable<readonly string[]>;
  close(): Promise<void>;
}

export async function openDump(address: DatabaseAddress, pageRows: number): Promise<Dump> {
  const client = await openSession(address, "atelier-backup");
  try {
    await client.query("begin isolation level repeatable read read only");
    const tables = await selectTables(client);
    return {
      tables,
      sequences: await selectSequences(client),
      postgresVersion: await selectVersion(client),
      migrations: (await client.query<{ version: number; sha256: string }>("select version, sha256 from schema_migrations order by version")).rows,
      rowsOf: (table) => copyOut(client, `copy ${listOf(table)} to stdout`),
      fileKeys: () => selectFileKeys(client, tables, pageRows),
      close: () => client.end(),
    };
  } catch (error) {
    await client.end();
    throw error;
  }
}

/** A transaction that fills an empty database. */
export interface Load {
  rowsInto(table: DumpTable): Writable;
  setSequence(sequence: DumpSequence): Promise<void>;
  commit(): Promise<void>;
  /** Without a commit before it, nothing of it stays. */
  close(): Promise<void>;
}

/** Empties every table but the list of migrations, whose rows the schema brought with it. */
export async function openLoad(address: DatabaseAddress): Promise<Load> {
  const client = await openSession(address, "atelier-restore");
  try {
    await client.query("begin");
    const names = (await selectTables(client)).map((table) => pg.escapeIdentifier(table.name));
    await client.query(`truncate ${names.join(", ")}`);
    // What is restored has happened already: nothing follows from it again.
    for (const name of names) await client.query(`alter table ${name} disable trigger user`);
    return {
      rowsInto: (table) => copyIn(client, `copy ${listOf(table)} from stdin`),
      async setSequence({ name, lastValue, isCalled }) {
        await client.query("select setval($1::regclass, $2::bigint, $3)", [`public.${pg.escapeIdentifier(name)}`, lastValue, isCalled]);
      },
      async commit() {
        for (const name of names) await client.query(`alter table ${name} enable trigger user`);
        await client.query("commit");
        await client.query("analyze");
      },
      close: () => client.end(),
    };
  } catch (error) {
    await client.end();
    throw error;
  }
}

/** Whether there is anything that a restore would overwrite. */
export async function isEmptyDatabase(address: DatabaseAddress): Promise<boolean> {
  const client = await openSession(address, "atelier-restore");
  try {
    for (const name of ["projects", "tasks"]) {
      const found = await client.query("select to_regclass($1) is not null as found", [`public.${name}`]);
      if ((found.rows[0] as { found: boolean }).found && (await client.query(`select 1 from ${name} limit 1`)).rows.length > 0) return false;
    }
    return true;
  } finally {
    await client.end();
  }
}

/** Without a limit on the time of one answer: a table may take an hour, and files are copied between two questions. */
async function openSession(address: DatabaseAddress, name: string): Promise<pg.Client> {
  const Client = sessionsOf(address);
  const client = new Client({ ...address, application_name: name, keepAlive: true });
  // A session that breaks fails the statement that uses it.
  client.on("error", () => undefined);
  await client.connect();
  await client.query(withoutTimeouts("session"));
  return client;
}

/** Tables after those that their rows refer to, as loading them needs it. */
async function selectTables(client: pg.Client): Promise<DumpTable[]> {
  const { rows } = await client.query<{ name: string; columns: string[]; parents: string[] }>(
    `select c.relname as name,
            (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
            (select coalesce(array_agg(p.relname::text), '{}') from pg_constraint f join pg_class p on p.oid = f.confrelid
              where f.conrelid = c.oid and f.contype = 'f' and p.oid <> c.oid) as parents
       from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'schema_migrations'
      order by c.relname`,
  );
  const ordered: typeof rows = [];
  while (ordered.length < rows.length) {
    const placed = new Set(ordered.map((row) => row.name));
    const next = rows.filter((row) => !placed.has(row.name) && row.parents.every((parent) => placed.has(parent)));
    if (next.length === 0) throw new Error("tables refer to each other in a circle");
    ordered.push(...next);
  }
  return ordered.map(({ name, columns }) => ({ name, columns }));
}

async function selectSequences(client: pg.Client): Promise<DumpSequence[]> {
  const { rows } = await client.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'S' order by relname",
  );
  const sequences: DumpSequence[] = [];
  for (const { name } of rows) {
    const state = await client.query<{ lastValue: string; isCalled: boolean }>(
      `select last_value as "lastValue", is_called as "isCalled" from ${pg.escapeIdentifier(name)}`,
    );
    sequences.push({ name, lastValue: state.rows[0]?.lastValue ?? "1", isCalled: state.rows[0]?.isCalled ?? false });
  }
  return sequences;
}

async function selectVersion(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ version: string }>("select current_setting('server_version') as version");
  return rows[0]?.version ?? "unknown";
}

/** Columns that hold keys of files are named so: `file_key`, or something that ends with `_file_key`. */
async function* selectFileKeys(client: pg.Client, tables: readonly DumpTable[], pageRows: number): AsyncIterable<readonly string[]> {
  for (const { name, columns } of tables) {
    for (const column of columns.filter((each) => /(^|_)file_key$/.test(each))) {
      const key = pg.escapeIdentifier(column);
      for (let after = ""; ; ) {
        const statement = `select ${key} as key from ${pg.escapeIdentifier(name)} where ${key} > $1 order by ${key} limit $2`;
        const { rows } = await client.query<{ key: string }>(statement, [after, pageRows]);
        if (rows.length === 0) break;
        yield rows.map((row) => row.key);
        after = rows.at(-1)?.key ?? "";
      }
    }
  }
}

function listOf({ name, columns }: DumpTable): string {
  return `${pg.escapeIdentifier(name)} (${columns.map((column) => pg.escapeIdentifier(column)).join(", ")})`;
}
