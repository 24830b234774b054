import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { lockFolder } from "../data-folder/lock.ts";
import { main } from "./atelier.ts";
import { expectData } from "./expect-data.ts";

describe("the data folder of a command", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "atelier-no-data-"));
    vi.stubEnv("DATABASE_URL", undefined);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ["backup", "COPY"],
    ["prune"],
    ["migrate"],
    ["project", "list"],
    ["project", "show", "studio"],
    ["key", "list", "studio"],
    ["webhook", "list", "studio"],
    ["worker-token", "list"],
    ["worker-token", "create", "gpu-1"],
  ])("is not made by %s %s, whether it is empty or missing", async (...words) => {
    const missing = join(folder, "missing");
    const args = words.map((word) => (word === "COPY" ? join(folder, "copy") : word));
    const written: string[] = [];
    vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
    expect([await main([...args, "--data", missing]), await main([...args, "--data", folder])]).toEqual([1, 1]);
    expect(written).toEqual([missing, folder].map((path) => expect.stringContaining(`There is no Atelier data in ${path}.\nName the folder`)));
    expect(await readdir(folder)).toEqual([]);
  });

  it("is not made for a project that is refused", async () => {
    const written: string[] = [];
    vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
    expect(await main(["project", "create", "2", "--data", join(folder, "missing")])).toBe(1);
    expect(written).toEqual([expect.stringContaining("looks like the id")]);
    expect(await readdir(folder)).toEqual([]);
  });

  it("may lack a database while a server makes one, or where DATABASE_URL names another", async () => {
    const databaseUrl = undefined;
    await expectData({ dataDir: join(folder, "missing"), databaseUrl: "postgres://elsewhere/atelier" });
    const lock = await lockFolder(folder);
    await expectData({ dataDir: folder, databaseUrl });
    await lock.release();
    await expect(expectData({ dataDir: folder, databaseUrl })).rejects.toMatchObject({ code: "COMMAND_FAILED" });
    await mkdir(join(folder, "postgres"));
    await writeFile(join(folder, "postgres/PG_VERSION"), "18\n");
    await expectData({ dataDir: folder, databaseUrl });
  });
});
