// Lets one of several commands that start at once prepare a clone. The lock names a process and its start, so it dies with it.

import { execFileSync } from "node:child_process";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const pollMs = 200;
/** Longer than an install over a slow line; a command that waits longer says who holds it up. */
const longestWaitMs = 15 * 60_000;

/** Runs `work` while this process holds the lock at `path`. `onWait` is called once when another one holds it.
 *  Throws an Error that names the holder when it does not let go within `waitMs`.
 *  @param {{ path: string, signal?: AbortSignal, onWait: () => void, waitMs?: number }} options
 *  @param {() => Promise<unknown>} work */
export async function withPrepareLock({ path, signal, onWait, waitMs = longestWaitMs }, work) {
  const deadline = Date.now() + waitMs;
  let told = false;
  while (!takeLock(path)) {
    if (!told) onWait();
    told = true;
    if (Date.now() >= deadline) {
      throw new Error(`process ${readHolder(path)?.pid} has been installing or building here for too long; end it and try again.`);
    }
    await delay(pollMs, undefined, { signal });
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** Written aside and linked: the lock is whole from its first moment, and a link either takes the name or fails. */
function takeLock(path) {
  const own = `${path}.${process.pid}`;
  // A dead namesake's; never written through, for the folder is one that others can write to.
  rmSync(own, { force: true });
  writeFileSync(own, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }), { flag: "wx", mode: 0o600 });
  try {
    if (linked(own, path)) return true;
    if (isHeld(readHolder(path))) return false;
    // Moved away before it is judged again: the slower of two that find a dead lock must not remove the faster one's.
    const aside = `${own}.stale`;
    moveIfThere(path, aside);
    if (isHeld(readHolder(aside))) linked(aside, path);
    rmSync(aside, { force: true });
    return linked(own, path);
  } finally {
    rmSync(own, { force: true });
  }
}

function linked(own, path) {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (error.code === "EEXIST" || error.code === "ENOENT") return false;
    throw error;
  }
}

function moveIfThere(from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}

function readHolder(path) {
  try {
    const { pid, started } = JSON.parse(readFileSync(path, "utf8"));
    return pid > 0 && typeof started === "string" ? { pid, started } : undefined;
  } catch {
    // Gone, or not ours: nobody holds it.
    return undefined;
  }
}

function isHeld(holder) {
  return holder !== undefined && startOf(holder.pid) === holder.started;
}

/** When a live process started, in the system's own words; undefined when there is none. A zombie counts as none.
 *  Source: proc_pid_stat(5): state is field 3, starttime field 22; the name in parentheses may hold spaces. */
function startOf(pid) {
  try {
    if (process.platform !== "linux") return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return fields[0] === "Z" || fields[0] === "X" ? undefined : `${boot}:${fields[19]}`;
  } catch {
    return undefined;
  }
}
