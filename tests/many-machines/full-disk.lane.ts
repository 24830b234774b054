// A server whose disk is full: it takes no more work, says so, answers what is read, and loses nothing.

import { execFileSync } from "node:child_process";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { afterAll, beforeAll, expect, it } from "vitest";

import { CrashServer } from "../crash/crash-server.ts";
import { brokenPromises } from "../simulation/invariants.ts";

const reserveMib = 64;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-full-"));
  // Without the right to mount this fails, loudly: it never passes by testing nothing.
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=400m", "tmpfs", folder]);
});
afterAll(async () => {
  execFileSync("umount", [folder]);
  await rm(folder, { recursive: true });
});

it("a full disk refuses Run with a clear error while reads work, and what was acknowledged ends well once there is room", async () => {
  process.env["ATELIER_DISK_RESERVE_MIB"] = String(reserveMib);
  const server = await CrashServer.create(join(folder, "data"));
  await server.start();
  const filler = join(folder, "filler");
  try {
    const acknowledged: string[] = [];
    const run = async (prompt: string) => {
      const answer = await server.call("/Run/test/fake", { prompt });
      if (answer.result) acknowledged.push(String(answer["taskid"]));
      return answer;
    };
    expect(await run("x")).toMatchObject({ result: true });
    for (let count = 0; count < 4; count += 1) await run("stepMs=1000");
    const { bavail, bsize } = await statfs(folder);
    await writeFile(filler, Buffer.alloc(bavail * bsize - (reserveMib / 2) * 1024 * 1024));

    expect(await run("x")).toMatchObject({ result: false, errors: [{ message: expect.stringContaining("disk is full") }] });
    expect(await server.call("/Task/Detail", { taskid: acknowledged[0] })).toMatchObject({ result: true });
    expect(await server.call("/Task/List", {})).toMatchObject({ result: true });
    // Nothing new is begun, and what waits can still be cancelled.
    const last = acknowledged.at(-1);
    expect(await server.call("/Task/Cancel", { taskid: last })).toMatchObject({ result: true });

    await rm(filler);
    expect(await run("x")).toMatchObject({ result: true });
    const db = await server.openDatabase();
    const open = "select 1 from tasks where status not in ('task_postprocess_end', 'task_cancel') limit 1";
    while ((await db.query(open)).rows.length > 0) await delay(50);
    expect(await brokenPromises(db, acknowledged)).toEqual([]);
    const { rows } = await db.query<{ done: string }>("select count(*) as done from tasks where pexit = '0'");
    expect(Number(rows[0]?.done)).toBe(acknowledged.length - 1);
    await db.close();
  } finally {
    await rm(filler, { force: true });
    await server.remove();
  }
});
