// A backup on its way between PostgreSQLs of different major versions: the embedded one, Debian's older one, and back.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, expect, it } from "vitest";

import { openDatabase } from "../../packages/server/src/db/database.ts";
import { openLog } from "../../packages/server/src/log.ts";
import { readManifest } from "../../packages/server/src/maintenance/backup/manifest.ts";
import { contentOf } from "../backup/same-backup.ts";
import { CrashServer } from "../crash/crash-server.ts";
import { atelier } from "../lifecycle/server-process.ts";
import { brokenPromises } from "../simulation/invariants.ts";
import { DebianPostgres } from "./debian-postgres.ts";
import { allEnded } from "./fleet.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function run(server: CrashServer, prompt: string): Promise<string> {
  const answer = await server.call("/Run/test/fake", { prompt, samples: 2 });
  expect(answer).toMatchObject({ result: true });
  return String(answer["taskid"]);
}

it("a backup goes from one major version of PostgreSQL to another, older or newer, with every row and file, and servers go on", async () => {
  const folder = await mkdtemp(join(tmpdir(), "atelier-move-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  const server = await CrashServer.create(at("embedded"));
  cleanups.push(() => server.remove());
  await server.start();
  const acknowledged = [await run(server, "x"), await run(server, "fail"), await run(server, "stepMs=200"), await run(server, "stepMs=200")];
  expect(await atelier(["backup", at("first"), "--data", server.folder])).toMatchObject({ code: 0 });

  const postgres = await DebianPostgres.create();
  cleanups.push(() => postgres.remove());
  const env = { DATABASE_URL: postgres.url() };
  expect(await atelier(["restore", at("first"), "--data", at("external")], env)).toMatchObject({ code: 0 });
  expect(await atelier(["backup", at("second"), "--data", at("external")], env)).toMatchObject({ code: 0 });
  expect(await contentOf(at("second"))).toEqual(await contentOf(at("first")));
  const majors = await Promise.all(["first", "second"].map(async (name) => parseInt((await readManifest(at(name))).postgresVersion, 10)));
  expect(majors[1]).not.toBe(majors[0]);
  console.log(`backup lane: PostgreSQL ${majors[0]} to ${majors[1]} and back`);

  const refused = await atelier(["restore", at("first"), "--data", at("nowhere")], env);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("holds projects or tasks already") });

  expect(await atelier(["restore", at("second"), "--data", at("back")])).toMatchObject({ code: 0 });
  expect(await atelier(["backup", at("third"), "--data", at("back")])).toMatchObject({ code: 0 });
  expect(await contentOf(at("third"))).toEqual(await contentOf(at("first")));

  await goesOn(server, { folder: at("external"), env, acknowledged });
  await goesOn(server, { folder: at("back"), env: {}, acknowledged });
}, 600_000);

/** A server on the restored data ends what was waiting and running, and takes more. */
async function goesOn(
  before: CrashServer,
  { folder, env, acknowledged }: { folder: string; env: Record<string, string>; acknowledged: readonly string[] },
): Promise<void> {
  const server = CrashServer.on(folder, before, env);
  await server.addModel();
  await server.start();
  cleanups.push(() => server.stop());
  const more = await run(server, "more");
  expect(Number(more)).toBeGreaterThan(Math.max(...acknowledged.map(Number)));
  const { DATABASE_URL: connectionString } = env;
  const log = openLog({ level: "silent", pretty: false });
  const db = connectionString === undefined ? await server.openDatabase() : openDatabase({ log }, { connectionString });
  await allEnded(db);
  expect(await brokenPromises(db, [...acknowledged, more])).toEqual([]);
  await db.close();
  expect(await server.stop()).toBe(0);
}
