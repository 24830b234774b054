import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { openLog } from "../../log.ts";
import { openDatabase } from "../database.ts";
import { findPostgresBinaries } from "./binaries.ts";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";
import { hasPostmaster, isPostmasterOf, readPidFile } from "./pid-file.ts";

const log = openLog({ level: "silent", pretty: false });

/** Only root has more than one way to run PostgreSQL. */
function namespacesWork(): boolean {
  return process.getuid?.() === 0 && spawnSync("unshare", ["--user", "--map-user=65534", "--", "true"]).status === 0;
}

describe("embedded PostgreSQL", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "atelier-postgres-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("is made beside the leftovers of a broken start, keeps everything at a crash, and listens on no port", async () => {
    await mkdir(join(folder, "postgres.creating-123"));
    await writeFile(join(folder, "postgres.creating-123/PG_VERSION"), "18\n");
    const postgres = await startEmbeddedPostgres({ log }, { folder, runAs: "auto" });
    const db = openDatabase({ log }, { host: postgres.socketDir, user: postgres.user, database: "postgres" });
    const { rows } = await db.query(
      `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
              current_setting('full_page_writes') as pages, current_setting('listen_addresses') as addresses`,
    );
    expect(rows).toEqual([{ fsync: "on", commit: "on", pages: "on", addresses: "" }]);
    expect(postgres.socketDir.length).toBeLessThan(80);
    expect(await isPostmasterOf(join(folder, "postgres"), postgres.pid())).toBe(true);
    await db.close();
    await Promise.all([postgres.stop(), postgres.stop()]);
    expect(await readPidFile(join(folder, "postgres"))).toBeUndefined();
    expect((await readdir(folder)).toSorted()).toEqual(["postgres", "postgres.log"]);
  });

  it("refuses data of another major version, and says so", async () => {
    await mkdir(join(folder, "postgres"));
    await writeFile(join(folder, "postgres/PG_VERSION"), "12\n");
    const start = startEmbeddedPostgres({ log }, { folder, runAs: "auto" });
    await expect(start).rejects.toMatchObject({ code: "POSTGRES_START_FAILED", problem: expect.stringContaining("PostgreSQL 12") });
  });

  it("tells the end of its log when it does not start", async () => {
    const settings = { shared_buffers: "nonsense" };
    const start = startEmbeddedPostgres({ log }, { folder, runAs: "auto", settings });
    await expect(start).rejects.toMatchObject({ problem: expect.stringContaining('invalid value for parameter "shared_buffers"') });
    expect(await readFile(join(folder, "postgres.log"), "utf8")).toContain("shared_buffers");
  });

  it("never takes this process, or a process elsewhere, for its postmaster", async () => {
    await mkdir(join(folder, "postgres"));
    expect(await isPostmasterOf(join(folder, "postgres"), process.pid)).toBe(false);
  });

  it("takes another process for its postmaster only when it was started as postgres on that very folder", async () => {
    expect(await hasPostmaster(folder)).toBe(false);
    const postgres = await startEmbeddedPostgres({ log }, { folder, runAs: "auto" });
    expect(await hasPostmaster(join(folder, "postgres"))).toBe(true);
    await postgres.stop();
    expect(await hasPostmaster(join(folder, "postgres"))).toBe(false);
  });

  it.runIf(namespacesWork())("opens as another user what was made behind a namespace", async () => {
    const first = await startEmbeddedPostgres({ log }, { folder, runAs: "namespace" });
    await first.stop();
    const second = await startEmbeddedPostgres({ log }, { folder, runAs: "user" });
    expect(second.runAs).toMatch(/^user/);
    expect((await stat(join(folder, "postgres/PG_VERSION"))).uid).not.toBe(0);
    await second.stop();
  });

  it("finds its programs from several processes at once", async () => {
    const found = await Promise.all([findPostgresBinaries(join(folder, "links")), findPostgresBinaries(join(folder, "links"))]);
    expect(found[0]).toEqual(found[1]);
  });
});
