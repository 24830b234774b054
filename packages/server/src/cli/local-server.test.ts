import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, it } from "vitest";

import { readConfig } from "../config.ts";
import { openDataFolder } from "../data-folder/data-folder.ts";
import type { DataFolder } from "../data-folder/data-folder.ts";
import { writeServerRecord } from "../data-folder/server-record.ts";
import { selectProjects } from "../db/queries/project-access.ts";
import { createTestDatabase } from "../db/test-database.ts";
import type { TestDatabase } from "../db/test-database.ts";
import { openLog } from "../log.ts";
import { findCredentials } from "./local-server.ts";

let test: TestDatabase;
let folder: DataFolder;
beforeEach(async () => {
  test = await createTestDatabase();
  // A server holds the folder: commands come in beside each other.
  folder = await openDataFolder(await mkdtemp(join(tmpdir(), "atelier-local-")), undefined);
  const url = "http://127.0.0.1:1";
  await writeServerRecord(folder.path, { pid: process.pid, url, publicUrl: url, socketDir: null });
});
afterEach(async () => {
  await folder.close();
  await rm(folder.path, { recursive: true });
  await test.drop();
});

const find = () => {
  const { host, user, database } = test.address;
  const config = readConfig({ data: folder.path }, { DATABASE_URL: `postgres://${user}@/${database}?host=${encodeURIComponent(host)}` });
  const environment = { url: undefined, apiKey: undefined, apiSecret: undefined };
  return findCredentials({ config, log: openLog({ level: "silent", pretty: false }) }, environment, true);
};

const names = async () => (await selectProjects(test.db)).map(({ name }) => name);

it("credentials that got lost are replaced by those of another project, of a name that no other has", async () => {
  const first = await find();
  expect(await find()).toEqual(first);
  await rm(join(folder.path, "credentials.json"));
  expect(await find()).not.toEqual(first);
  expect(await names()).toEqual(["local", "local-2"]);
});

it("several first commands at the same moment share one project", async () => {
  const [first, ...others] = await Promise.all([1, 2, 3, 4].map(find));
  expect(others).toEqual([first, first, first]);
  expect(await find()).toEqual(first);
  expect(await names()).toEqual(["local"]);
});
