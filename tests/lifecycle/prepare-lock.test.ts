// The lock of scripts/prepare.mjs: one command at a time prepares a clone, whatever became of the last one.

import { link, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { identifyProcess } from "../../packages/server/src/process-identity.ts";
import { withPrepareLock } from "../../scripts/prepare-lock.mjs";

describe("the lock of a clone that is being prepared", () => {
  let folder: string;
  let path: string;
  const onWait = (): void => undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "atelier-prepare-"));
    path = join(folder, "lock");
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it.each(["", "4194305", '{"pid":1', '{"pid":1,"started":"long ago"}'])("is taken over from nobody: %j", async (content) => {
    await writeFile(path, content);
    expect(await withPrepareLock({ path, onWait }, async () => "done")).toBe("done");
    expect(await readdir(folder)).toEqual([]);
  });

  it("lets one work at a time, and says whom it waits for when that takes too long", async () => {
    await writeFile(`${path}.held`, JSON.stringify(await identifyProcess(process.pid)));
    await link(`${path}.held`, path);
    const told: string[] = [];
    const waiting = withPrepareLock({ path, waitMs: 0, onWait: () => void told.push("waits") }, async () => "never");
    await expect(waiting).rejects.toThrow(`process ${process.pid} has been installing or building here for too long`);
    expect(told).toHaveLength(1);
    expect(await readdir(folder)).toEqual(["lock", "lock.held"]);
  });

  it("waits for a holder that lets go, and then works", async () => {
    await writeFile(path, JSON.stringify(await identifyProcess(process.pid)));
    const work = withPrepareLock({ path, onWait: () => void rm(path) }, async () => "done");
    expect(await work).toBe("done");
  });
});
