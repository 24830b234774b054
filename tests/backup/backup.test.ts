// Backup of a server under load, and what comes out of it again.

import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { openDiskStore } from "../../packages/server/src/files/disk-store.ts";
import type { Database } from "../../packages/server/src/db/database.ts";
import { tablePath } from "../../packages/server/src/maintenance/backup/manifest.ts";
import { CrashServer } from "../crash/crash-server.ts";
import { atelier, ServerProcess } from "../lifecycle/server-process.ts";
import { brokenPromises } from "../simulation/invariants.ts";
import { contentOf } from "./same-backup.ts";

let folder: string;
let server: CrashServer;
/** Many programs are started here, and each takes its time on a busy machine. */
const slowMs = 300_000;
const acknowledgedBefore: string[] = [];

const backup = (): string => join(folder, "backup");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-backup-"));
  server = await CrashServer.create();
  await server.start();
  const run = async (prompt: string) => String((await server.call("/Run/test/fake", { prompt, samples: 2 }))["taskid"]);
  // Some that have ended, with a callback nobody takes, some that wait and run when the backup is made.
  for (let count = 0; count < 5; count += 1) acknowledgedBefore.push(await run("x"));
  await server.call("/Run/test/fake", { prompt: "fail", callbackUrl: "http://127.0.0.1:9/" });
  const db = await server.openDatabase();
  while ((await doneIn(db)) < 5) await delay(50);
  await db.close();
  for (let count = 0; count < 5; count += 1) acknowledgedBefore.push(await run("stepMs=150"));
  let stopped = false;
  const load = (async () => {
    for (; !stopped; await delay(20)) await run("stepMs=1");
  })();
  const made = await atelier(["backup", backup(), "--data", server.folder, "--json"]);
  stopped = true;
  await load;
  expect(made, made.stderr).toMatchObject({ code: 0 });
  expect(JSON.parse(made.stdout)).toMatchObject({ hasMasterKey: true, filesGone: 0 });
}, slowMs);

afterAll(async () => {
  await server.remove();
  await rm(folder, { recursive: true, force: true });
});

async function doneIn(db: Database): Promise<number> {
  const { rows } = await db.query<{ done: string }>("select count(*) as done from tasks where pexit = '0'");
  return Number(rows[0]?.done);
}

const restore = (from: string, to: string, env?: Record<string, string>) => atelier(["restore", from, "--data", to, "--json"], env);

describe("a backup made under load", { timeout: slowMs }, () => {
  it("restores to the same rows, sequences and files, byte by byte, and a server goes on from there", async () => {
    const restored = join(folder, "restored");
    expect(await restore(backup(), restored)).toMatchObject({ code: 0 });
    const again = join(folder, "again");
    expect(await atelier(["backup", again, "--data", restored])).toMatchObject({ code: 0 });
    const one = await contentOf(backup());
    expect(await contentOf(again)).toEqual(one);
    expect(one.tables.map((table) => table.name)).toEqual(expect.arrayContaining(["tasks", "task_events", "outputs", "ledger", "deliveries"]));
    expect(one.files.count).toBeGreaterThanOrEqual(10);

    await cp(join(server.folder, "models"), join(restored, "models"), { recursive: true });
    const next = CrashServer.on(restored, server);
    await next.start();
    const db = await next.openDatabase();
    try {
      while (await isBusy(db)) await delay(50);
      expect(await brokenPromises(db, acknowledgedBefore)).toEqual([]);
      const { rows } = await db.query<{ file_key: string; size_bytes: string }>("select file_key, size_bytes from outputs");
      const files = openDiskStore(join(restored, "files"));
      for (const row of rows) {
        const opened = await files.open(row.file_key);
        opened?.stream.destroy();
        expect(opened?.sizeBytes).toBe(Number(row.size_bytes));
      }
      const fresh = await next.call("/Run/test/fake", { prompt: "x" });
      expect(Number(fresh["taskid"])).toBeGreaterThan(Math.max(...acknowledgedBefore.map(Number)));
    } finally {
      await db.close();
      await next.remove();
    }
  });

  it("is refused where anything is: a folder with something in it is neither overwritten nor filled", async () => {
    const taken = join(folder, "taken");
    await cp(backup(), taken, { recursive: true });
    const made = await atelier(["backup", taken, "--data", server.folder]);
    expect(made).toMatchObject({ code: 1, stderr: expect.stringContaining("is not empty") });
    const refused = await restore(backup(), taken);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("is not empty") });
    expect((await readdir(taken)).toSorted()).toEqual((await readdir(backup())).toSorted());
  });

  it.each(["README.md", "/proc/atelier/backup"])("is refused where no folder can be made: %s", async (to) => {
    const made = await atelier(["backup", to, "--data", server.folder]);
    expect(made).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^error: No backup can be made in \S+: /) });
  });

  it("that is interrupted ends soon, and nothing of it stays", async () => {
    const to = join(folder, "interrupted/backup");
    const db = await server.openDatabase();
    const running = await db.transaction(async (tx) => {
      await tx.query("lock table ledger in access exclusive mode");
      const command = [process.execPath, "bin/atelier.mjs", "backup", to, "--data", server.folder];
      const made = new ServerProcess({ dataDir: server.folder, command });
      const waits = "select 1 from pg_stat_activity where application_name = 'atelier-backup' and wait_event_type = 'Lock'";
      while ((await db.query(waits)).rows.length === 0) await delay(20);
      made.kill("SIGINT");
      expect(await made.exit()).toBe(130);
      return made;
    });
    await db.close();
    expect(running.stderr.at(-1)).toBe("stopped");
    expect(await readdir(folder)).not.toContain("interrupted");
  });

  it("whose restore is interrupted leaves nothing behind", async () => {
    const copy = join(folder, "endless");
    await cp(backup(), copy, { recursive: true });
    // Takes no disk, and minutes to be checked.
    await truncate(tablePath(copy, "tasks"), 200 * 2 ** 30);
    const to = `${copy}-restored`;
    const running = new ServerProcess({ dataDir: to, command: [process.execPath, "bin/atelier.mjs", "restore", copy, "--data", to] });
    while (!(await readdir(to).catch((): string[] => [])).includes("postgres")) await delay(20);
    running.kill("SIGTERM");
    expect(await running.exit()).toBe(130);
    expect(running.stderr.at(-1)).toBe("stopped");
    expect(await readdir(folder)).not.toContain("endless-restored");
  });

  it.each([
    ["a row", async (copy: string) => flipByte(tablePath(copy, "tasks"))],
    ["a byte of a picture", async (copy: string) => flipByte(await anyPicture(copy))],
    ["the list of files", async (copy: string) => flipByte(join(copy, "files.jsonl"))],
    ["the syntax of its manifest", async (copy: string) => writeFile(join(copy, "manifest.json"), "{")],
    ["the manifest", async (copy: string) => writeFile(join(copy, "manifest.json"), "{}")],
    ["its end", async (copy: string) => rm(join(copy, "manifest.json"))],
  ])("that lost %s is refused, and leaves nothing behind", async (_what, damage) => {
    const copy = await mkdtemp(join(folder, "damaged-"));
    await cp(backup(), copy, { recursive: true });
    await damage(copy);
    const to = join(`${copy}-restored`, "data");
    expect(await restore(copy, to)).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot be restored") });
    expect(await readdir(folder)).not.toContain(`${basename(copy)}-restored`);
  });

  it("without its master key needs the one that it was made under", async () => {
    const copy = join(folder, "keyless");
    await cp(backup(), copy, { recursive: true });
    const key = (await readFile(join(copy, "master.key"), "utf8")).trim();
    await rm(join(copy, "master.key"));
    const to = join(folder, "keyless-restored");
    expect(await restore(copy, to)).toMatchObject({ code: 1, stderr: expect.stringContaining("ATELIER_MASTER_KEY") });
    expect(await restore(copy, to, { ATELIER_MASTER_KEY: "0".repeat(64) })).toMatchObject({ code: 1 });
    expect(await restore(copy, to, { ATELIER_MASTER_KEY: key })).toMatchObject({ code: 0 });
    expect(await readdir(to)).not.toContain("master.key");
  });
});

async function isBusy(db: Database): Promise<boolean> {
  const open = `select 1 from tasks where status not in ('task_postprocess_end', 'task_cancel') limit 1`;
  return (await db.query(open)).rows.length > 0;
}

/** Changes one letter or digit, so that the file stays a text of its kind. */
async function flipByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  const at = bytes.length >> 1;
  bytes[at] = bytes[at] === 0x31 ? 0x32 : 0x31;
  await writeFile(path, bytes);
}

async function anyPicture(copy: string): Promise<string> {
  const names = await readdir(join(copy, "files"), { recursive: true });
  return join(copy, "files", names.find((name) => name.endsWith(".png")) ?? "");
}
