// Kills parts of a real server at random under load, and checks afterwards that every promise was kept.
// ATELIER_SOAK_KILLS: how many kills (default 6). ATELIER_SOAK_REPORT: file for the report.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { afterEach, expect, test } from "vitest";

import type { Database } from "../../packages/server/src/db/database.ts";
import { openDiskStore } from "../../packages/server/src/files/disk-store.ts";
import { brokenPromises } from "../simulation/invariants.ts";
import { seededRandom } from "../simulation/random.ts";
import { CrashServer } from "./crash-server.ts";
import type { Part } from "./crash-server.ts";

const kills = Number(process.env["ATELIER_SOAK_KILLS"] ?? 6);
const seed = Number(process.env["ATELIER_SOAK_SEED"] ?? Date.now() % 1_000_000);
const parts: readonly Part[] = ["server", "postgres", "engine"];
const submitEveryMs = 40;
const frozenMs = 5_000; // longer than a lease

let server: CrashServer | undefined;
afterEach(async () => {
  await server?.remove();
  server = undefined;
});

test("killing server, database and engine at random loses nothing and does nothing twice", { timeout: 60_000 + kills * 15_000 }, async () => {
  const random = seededRandom(seed);
  server = await CrashServer.create();
  await server.start();
  const load = startLoad(server, seed);
  const counts: Record<string, number> = { server: 0, postgres: 0, engine: 0, frozen: 0 };
  for (let kill = 0; kill < kills; kill += 1) {
    await delay(200 + random.below(800));
    if (kill % 10 === 5) {
      await freeze(server);
      counts["frozen"] = (counts["frozen"] ?? 0) + 1;
      continue;
    }
    const part = random.pick(parts) ?? "server";
    if (!(await server.signal(part, "SIGKILL"))) kill -= 1;
    else counts[part] = (counts[part] ?? 0) + 1;
    if (part === "server") await server.start();
  }
  const acknowledged = await load.stop();
  const db = await server.openDatabase();
  try {
    await allEnded(db);
    expect(await brokenPromises(db, acknowledged), `seed ${seed}`).toEqual([]);
    expect(await missingBytes(db, server.folder), `seed ${seed}`).toEqual([]);
    const report = { seed, kills: counts, acknowledged: acknowledged.length, violations: 0 };
    console.log(`soak: ${JSON.stringify(report)}`);
    const file = process.env["ATELIER_SOAK_REPORT"];
    if (file) await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
    expect(acknowledged.length).toBeGreaterThan(kills);
  } finally {
    await db.close();
  }
  expect(await server.stop()).toBe(0);
});

async function freeze(frozen: CrashServer): Promise<void> {
  await frozen.signal("server", "SIGSTOP");
  await delay(frozenMs);
  await frozen.signal("server", "SIGCONT");
}

/** Submits, cancels and kills tasks steadily; failures of a server that is away are part of the test. */
function startLoad(target: CrashServer, loadSeed: number): { stop(): Promise<string[]> } {
  const random = seededRandom(loadSeed + 1);
  const acknowledged: string[] = [];
  let stopped = false;
  const loop = async (): Promise<void> => {
    while (!stopped) {
      await delay(submitEveryMs);
      const prompt = random.chance(0.05) ? "fail" : `stepMs=${random.below(40)}`;
      try {
        const answer = await target.call("/Run/test/fake", { prompt, samples: 1 + random.below(2) });
        if (answer.result) acknowledged.push(String(answer["taskid"]));
        const taskid = random.pick(acknowledged);
        if (taskid && random.chance(0.1)) await target.call(random.chance(0.5) ? "/Task/Kill" : "/Task/Cancel", { taskid });
      } catch {
        // The server is away: an unacknowledged run may or may not exist.
      }
    }
  };
  const running = loop();
  return {
    async stop() {
      stopped = true;
      await running;
      return acknowledged;
    },
  };
}

/** File keys of outputs whose bytes are not on the disk in the size that the database knows. */
async function missingBytes(db: Database, folder: string): Promise<string[]> {
  const { rows } = await db.query<{ file_key: string; size_bytes: string }>("select file_key, size_bytes from outputs");
  const files = openDiskStore(join(folder, "files"));
  const missing: string[] = [];
  for (const row of rows) {
    const opened = await files.open(row.file_key);
    opened?.stream.destroy();
    if (opened?.sizeBytes !== Number(row.size_bytes)) missing.push(row.file_key);
  }
  return missing;
}

async function allEnded(db: Database): Promise<void> {
  const open = `select count(*) as open from tasks where status not in ('task_postprocess_end', 'task_cancel')`;
  const look = async (): Promise<boolean> => (await db.query<{ open: string }>(open)).rows[0]?.open === "0";
  await new Promise<void>((resolve, reject) => {
    const check = (): void => void look().then((ended) => ended && resolve(), reject);
    void db.listen("atelier_event", check, check).then(check, reject);
  });
}
