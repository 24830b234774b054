// Keeps a second server off a data folder. The lock names a process, so that it dies with it, whatever ended it.

import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { OperatorError } from "../operator-error.ts";
import { identifyProcess, isStillRunning } from "../process-identity.ts";
import type { ProcessIdentity } from "../process-identity.ts";

export interface FolderLock {
  release(): Promise<void>;
}

/** Takes the lock of `folder`. Throws DATA_FOLDER_LOCKED while a live process holds it. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, lockName);
  const own = `${path}.${process.pid}`;
  const identity = await identifyProcess(process.pid);
  await writeFile(own, JSON.stringify(identity), { mode: 0o600 });
  try {
    while (!(await linked(own, path))) await removeStale(folder, path, own);
  } finally {
    await rm(own, { force: true });
  }
  return { release: () => rm(path, { force: true }) };
}

/** The live process that holds the folder, or undefined. */
export async function findLockHolder(folder: string): Promise<ProcessIdentity | undefined> {
  const holder = await readHolder(join(folder, lockName));
  return holder && (await isStillRunning(holder)) ? holder : undefined;
}

const lockName = "server.lock";

/** A link either takes the name or fails: no moment in which two processes think that they have it. */
async function linked(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function removeStale(folder: string, path: string, own: string): Promise<void> {
  const holder = await readHolder(path);
  if (holder && (await isStillRunning(holder))) {
    throw new OperatorError("DATA_FOLDER_LOCKED", {
      problem: `The data folder ${folder} is in use by another server (process ${holder.pid}).`,
      remedy: "Stop that one first, or give this one another folder with --data.",
    });
  }
  // Moved away before it is judged again: of two processes that find a dead lock, the slower one must not remove the
  // lock that the faster one has taken meanwhile.
  const aside = `${own}.stale`;
  await rename(path, aside).catch(ignoreMissing);
  const moved = await readHolder(aside);
  if (moved && (await isStillRunning(moved))) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function readHolder(path: string): Promise<ProcessIdentity | undefined> {
  const content = await readFile(path, "utf8").catch(ignoreMissing);
  try {
    const { pid, started } = JSON.parse(content ?? "") as Partial<ProcessIdentity>;
    return typeof pid === "number" && typeof started === "string" ? { pid, started } : undefined;
  } catch {
    // Cut off by a full disk or a crash: nobody holds it.
    return undefined;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}
