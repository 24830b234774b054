// Reads postmaster.pid and tells whether the process it names is the postmaster of that very data folder.

import { execFile } from "node:child_process";
import { readdir, readFile, readlink, realpath, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";

export interface PostmasterPid {
  readonly pid: number;
  /** Folder of its socket, or undefined while it starts. */
  readonly socketDir: string | undefined;
  /** It accepts connections. */
  readonly ready: boolean;
}

/** Parses `postmaster.pid`, or undefined when there is none.
 *  Lines: pid, data folder, start time, port, socket folder, address, shared memory, status.
 *  Source: PostgreSQL, src/include/utils/pidfile.h. */
export async function readPidFile(clusterDir: string): Promise<PostmasterPid | undefined> {
  const text = await readFile(join(clusterDir, "postmaster.pid"), "utf8").catch(() => undefined);
  const lines = text?.split("\n") ?? [];
  const pid = Math.abs(Number(lines[0]));
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  return { pid, socketDir: lines[4] || undefined, ready: lines[7]?.trim() === "ready" };
}

/** True only for a live postgres process that works in `clusterDir`: pids are reused, and only ours may be signalled. */
export async function isPostmasterOf(clusterDir: string, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const folder = await realpath(clusterDir);
  if (process.platform === "linux") {
    const program = await readlink(`/proc/${pid}/exe`).catch(() => undefined);
    const workingDir = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
    // Another user's process shows neither to a root without CAP_SYS_PTRACE, which containers have not.
    if (program === undefined || workingDir === undefined) return isStartedOn(folder, pid);
    return basename(program).startsWith("postgres") && workingDir === folder;
  }
  const ps = await promisify(execFile)("ps", ["-o", "command=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return ps.stdout.includes("postgres") && ps.stdout.includes(clusterDir);
}

/** True while any live process was started as `postgres -D clusterDir`, whatever the pid file says. Linux only; elsewhere
 *  PostgreSQL's own check of the shared memory has to do. */
export async function hasPostmaster(clusterDir: string): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const folder = await realpath(clusterDir);
  const pids = (await readdir("/proc")).map(Number).filter((pid) => pid > 0);
  const found = await Promise.all(pids.map((pid) => isStartedOn(folder, pid)));
  return found.includes(true);
}

/** By the command line, which everyone may read; a zombie's is empty, and the title of a postmaster's children differs. */
async function isStartedOn(folder: string, pid: number): Promise<boolean> {
  const [program = "", ...args] = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
  const given = args[args.indexOf("-D") + 1];
  if (!basename(program).startsWith("postgres") || !args.includes("-D") || given === undefined) return false;
  return (await realpath(given).catch(() => given)) === folder;
}

/** Makes PostgreSQL ignore a stale pid file whose pid now belongs to someone else (usual in containers): it disregards
 *  its own parent's pid, and still checks the shared memory that the file names.
 *  Source: PostgreSQL, src/backend/utils/init/miscinit.c, CreateLockFile. */
export async function disownPidFile(clusterDir: string): Promise<void> {
  const path = join(clusterDir, "postmaster.pid");
  const lines = (await readFile(path, "utf8")).split("\n");
  await writeFile(path, [process.pid, ...lines.slice(1)].join("\n"));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
