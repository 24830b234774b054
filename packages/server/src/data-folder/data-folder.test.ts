import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { identifyProcess } from "../process-identity.ts";
import { openDataFolder } from "./data-folder.ts";
import { findServer, writeServerRecord } from "./server-record.ts";

describe("the data folder", () => {
  let path: string;
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), "atelier-folder-"));
  });
  afterEach(() => rm(path, { recursive: true, force: true }));

  it("keeps its master key, readable by this user only", async () => {
    const first = await openDataFolder(path, undefined);
    await first.close();
    const second = await openDataFolder(path, undefined);
    await second.close();
    expect(second.masterKey).toEqual(first.masterKey);
    expect((await stat(join(path, "master.key"))).mode & 0o777).toBe(0o600);
  });

  it("never writes a master key that was given", async () => {
    const given = Buffer.alloc(32, 5);
    const folder = await openDataFolder(path, given);
    expect(folder.masterKey).toBe(given);
    await expect(stat(join(path, "master.key"))).rejects.toMatchObject({ code: "ENOENT" });
    await folder.close();
  });

  it("refuses a second server, and opens again after the first has closed", async () => {
    const folder = await openDataFolder(path, undefined);
    await expect(openDataFolder(path, undefined)).rejects.toMatchObject({ code: "DATA_FOLDER_LOCKED" });
    await folder.close();
    await (await openDataFolder(path, undefined)).close();
  });

  it("lets one of several servers in that start at once", async () => {
    await writeFile(join(path, "server.lock"), JSON.stringify({ pid: process.pid, started: "long ago" }));
    const outcomes = await Promise.allSettled([openDataFolder(path, undefined), openDataFolder(path, undefined)]);
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
  });

  it("ignores the lock of a dead process whose pid another process has now, and a lock cut off by a crash", async () => {
    await writeFile(join(path, "server.lock"), JSON.stringify({ pid: process.pid, started: "long ago" }));
    await (await openDataFolder(path, undefined)).close();
    await writeFile(join(path, "server.lock"), '{"pid":1');
    await (await openDataFolder(path, undefined)).close();
  });

  it("refuses a folder that a newer version wrote", async () => {
    await writeFile(join(path, "version"), "2\n");
    await expect(openDataFolder(path, undefined)).rejects.toMatchObject({ code: "DATA_FOLDER_NEWER" });
    expect(await readFile(join(path, "version"), "utf8")).toBe("2\n");
  });

  it("refuses a path that is a file", async () => {
    await writeFile(join(path, "file"), "");
    await expect(openDataFolder(join(path, "file"), undefined)).rejects.toMatchObject({ code: "DATA_FOLDER_UNUSABLE" });
  });

  it("tells of its server only while that server holds the folder", async () => {
    const record = { pid: process.pid, url: "http://127.0.0.1:1", publicUrl: "http://127.0.0.1:1", socketDir: null };
    const folder = await openDataFolder(path, undefined);
    await writeServerRecord(path, record);
    expect(await findServer(path)).toEqual(record);
    await folder.close();
    expect(await findServer(path)).toBeUndefined();
  });

  it("identifies this process and no other by its pid", async () => {
    expect(await identifyProcess(process.pid)).toMatchObject({ pid: process.pid });
    expect(await identifyProcess(2 ** 22 + 1)).toBeUndefined();
  });
});
