// Processor time of PostgreSQL's processes, in nanoseconds where the system tells it (Linux: /proc/PID/schedstat).

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Milliseconds that the processes of the PostgreSQL in `folder` use while `work` runs. */
export async function databaseMs(folder, work) {
  const before = usedNs(folder);
  await work();
  let ns = 0;
  for (const [pid, used] of usedNs(folder)) ns += used - (before.get(pid) ?? 0);
  return ns / 1e6;
}

/** Of the postmaster and each of its children. */
function usedNs(folder) {
  const postmaster = readFileSync(join(folder, "postmaster.pid"), "utf8").split("\n")[0];
  const children = execFileSync("ps", ["--ppid", postmaster, "-o", "pid="], { encoding: "utf8" }).trim().split(/\s+/);
  return new Map([postmaster, ...children].map((pid) => [pid, usedByNs(pid)]));
}

/** Zero for a process that has just ended. */
function usedByNs(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]);
  } catch {
    return 0;
  }
}
