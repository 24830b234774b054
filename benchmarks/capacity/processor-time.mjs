// Processor time of PostgreSQL's processes, in nanoseconds where the system tells it (Linux: /proc/PID/schedstat).

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Linux counts the time of ended processes in hundredths of a second (`getconf CLK_TCK`). */
const tickNs = 1e7;

/** Milliseconds that the processes of the PostgreSQL in `folder` use while `work` runs, those that end meanwhile among them. */
export async function databaseMs(folder, work) {
  const beforeNs = usedNs(folder);
  await work();
  return (usedNs(folder) - beforeNs) / 1e6;
}

/** Of the postmaster, its children, and those that it had. */
function usedNs(folder) {
  const postmaster = readFileSync(join(folder, "postmaster.pid"), "utf8").split("\n")[0];
  const children = execFileSync("ps", ["--ppid", postmaster, "-o", "pid="], { encoding: "utf8" }).trim().split(/\s+/);
  return [postmaster, ...children].reduce((sum, pid) => sum + usedByNs(pid), usedByEndedNs(postmaster));
}

/** Zero for a process that has just ended. */
function usedByNs(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]);
  } catch {
    return 0;
  }
}

/** cutime and cstime. Source: proc(5), /proc/pid/stat. */
function usedByEndedNs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * tickNs;
}
