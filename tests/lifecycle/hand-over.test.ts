// The whole server hands a new task to its own worker in the transaction that creates it (docs/adr/0009-handing-over.md).

import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, expect, it } from "vitest";

import { openDatabase } from "../../packages/server/src/db/database.ts";
import { openLog } from "../../packages/server/src/log.ts";
import { beginServerLife } from "./server-life.ts";
import type { ServerLife } from "./server-life.ts";
import { atelier } from "./server-process.ts";

/** A look of the claim line may just be under way, or the first session not yet be open. */
const tries = 20;

let life: ServerLife;
afterEach(() => life.end());

it("a run that finds a worker waiting is claimed when it is created", { timeout: 60_000 }, async () => {
  life = await beginServerLife();
  await mkdir(join(life.dataDir, "models"));
  await copyFile(join(import.meta.dirname, "../crash/fake-model.json"), join(life.dataDir, "models/fake.json"));
  await life.launch({ env: { ATELIER_FAKE_ENGINE: "1" } }).ready();
  const { socketDir } = JSON.parse(await readFile(join(life.dataDir, "server.json"), "utf8")) as { socketDir: string };
  const db = openDatabase({ log: openLog({ level: "silent", pretty: false }) }, { host: socketDir, user: "atelier", database: "atelier" });
  const handedOver = async (): Promise<number> => (await db.query("select from tasks where created_at = accepted_at")).rows.length;
  for (let run = 0; run < tries && (await handedOver()) === 0; run += 1) {
    const { code } = await atelier(["run", "test/fake", "prompt=x", "steps=1", "--data", life.dataDir, "--output", join(life.dataDir, "pictures")]);
    expect(code).toBe(0);
  }
  expect(await handedOver()).toBeGreaterThan(0);
  await db.close();
});
