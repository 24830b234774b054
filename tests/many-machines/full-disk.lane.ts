// A server whose disk is full: it takes no more work, says so, answers what is read, and loses nothing.

import { execFileSync } from "node:child_process";
import { mkdtemp, open, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { afterAll, beforeAll, expect, it } from "vitest";

import { limits } from "../../packages/server/src/limits.ts";
import { CrashServer } from "../crash/crash-server.ts";
import { brokenPromises } from "../simulation/invariants.ts";
import { allEnded } from "./fleet.ts";

const reserveMib = 64;
const reserve = { ATELIER_DISK_RESERVE_MIB: String(reserveMib) };
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
  const server = await CrashServer.create(join(folder, "data"), reserve);
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
    await fill(filler, { leaveBytes: (reserveMib / 2) * 1024 * 1024 });
    await delay(limits.diskLookMs); // the last look had found room

    expect(await run("x")).toMatchObject({ result: false, errors: [{ message: expect.stringContaining("disk is full") }] });
    expect(await server.call("/Task/Detail", { taskid: acknowledged[0] })).toMatchObject({ result: true });
    expect(await server.call("/Task/List", {})).toMatchObject({ result: true });
    // Nothing new is begun, and what waits can still be cancelled.
    const last = acknowledged.at(-1);
    expect(await server.call("/Task/Cancel", { taskid: last })).toMatchObject({ result: true });

    await rm(filler);
    expect(await run("x")).toMatchObject({ result: true });
    const db = await server.openDatabase();
    await allEnded(db);
    expect(await brokenPromises(db, acknowledged)).toEqual([]);
    const { rows } = await db.query<{ done: string }>("select count(*) as done from tasks where pexit = '0'");
    expect(Number(rows[0]?.done)).toBe(acknowledged.length - 1);
    await db.close();
  } finally {
    await rm(filler, { force: true });
    await server.remove();
  }
});

it("a disk that is full to the last byte while tasks run refuses Run, and all goes on once there is room", async () => {
  const server = await CrashServer.create(join(folder, "data"), reserve);
  await server.start();
  const filler = join(folder, "filler");
  try {
    const acknowledged: string[] = [];
    const run = async (prompt: string) => {
      // PostgreSQL may have died of it, and the server after it has tried to start it again for a while.
      const answer = await server.call("/Run/test/fake", { prompt }).catch(() => undefined);
      if (answer?.result) acknowledged.push(String(answer["taskid"]));
      return answer;
    };
    for (let count = 0; count < 6; count += 1) expect(await run("stepMs=400")).toMatchObject({ result: true });
    await fill(filler, { leaveBytes: 0 });
    // Events, leases and PostgreSQL's own log have no room now.
    for (let count = 0; count < 20; count += 1) {
      const refused = await run("x");
      expect(refused ?? { result: false }).toMatchObject({ result: false });
      if (refused) expect(refused).toMatchObject({ errors: [{ message: expect.stringMatching(/disk is full|not available|again/i) }] });
      await delay(200);
    }
    await rm(filler);
    while (acknowledged.length === 6) {
      if (!server.isRunning) await server.start();
      await run("x");
      await delay(200);
    }
    const db = await server.openDatabase();
    await allEnded(db);
    expect(await brokenPromises(db, acknowledged)).toEqual([]);
    // A full disk is no fault of an engine: all of them are drawn in the end. (A Run that was not answered may have left one more.)
    const done = "select count(*) as done from tasks where id = any($1) and pexit = '0'";
    const { rows } = await db.query<{ done: string }>(done, [acknowledged]);
    expect(Number(rows[0]?.done)).toBe(acknowledged.length);
    await db.close();
  } finally {
    await rm(filler, { force: true });
    await server.remove();
  }
});

/** Not sparse: the blocks are taken. To the last one, where nothing is to be left: others write meanwhile. */
async function fill(path: string, { leaveBytes }: { leaveBytes: number }): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  execFileSync("fallocate", ["--length", String(bavail * bsize - leaveBytes), path]);
  if (leaveBytes > 0) return;
  const file = await open(path, "a");
  const one = Buffer.alloc(bsize);
  while (await file.write(one).then(({ bytesWritten }) => bytesWritten > 0, isWritten)) continue;
  await file.close();
}

/** False once there is no room for another byte. */
function isWritten(error: NodeJS.ErrnoException): boolean {
  if (error.code === "ENOSPC") return false;
  throw error;
}
