import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, it } from "vitest";

import { readConfig } from "../config.ts";
import { selectProjects } from "../db/queries/project-access.ts";
import { createTestDatabase } from "../db/test-database.ts";
import { openLog } from "../log.ts";
import { findCredentials } from "./local-server.ts";

it("credentials that got lost are replaced by those of another project, of a name that no other has", async () => {
  const test = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), "atelier-local-"));
  const { host, user, database } = test.address;
  const config = readConfig({ data: folder }, { DATABASE_URL: `postgres://${user}@/${database}?host=${encodeURIComponent(host)}` });
  const environment = { url: undefined, apiKey: undefined, apiSecret: undefined };
  const find = () => findCredentials({ config, log: openLog({ level: "silent", pretty: false }) }, environment, true);
  const first = await find();
  expect(await find()).toEqual(first);
  await rm(join(folder, "credentials.json"));
  expect(await find()).not.toEqual(first);
  expect((await selectProjects(test.db)).map(({ name }) => name)).toEqual(["local", "local-2"]);
  await rm(folder, { recursive: true });
  await test.drop();
});
