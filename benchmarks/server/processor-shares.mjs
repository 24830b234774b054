// Who used the processors while something ran: the server, its PostgreSQL, this client, and everything else on the machine.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Linux counts in hundredths of a second (`getconf CLK_TCK`). */
const tickMs = 10;

/** Shares of one processor, as text: "server 27 %, PostgreSQL 19 %, client 10 %, others 1 %", and how much of
 *  the time anybody waited for a processor. Empty where there is no /proc. Of others that ended meanwhile only that is seen. */
export async function withProcessorShares({ pid, data }, work) {
  const [startedAt, before, waitedMs] = [performance.now(), processes(), waitMs()];
  const result = await work();
  const [elapsedMs, after, waitedAfterMs] = [performance.now() - startedAt, processes(), waitMs()];
  const usedMs = { server: 0, PostgreSQL: 0, client: 0, others: 0 };
  const nameOf = namesOf({ pid, data });
  for (const [id, one] of after) usedMs[nameOf(id, one)] += one.usedMs - (before.get(id)?.usedMs ?? 0);
  const share = (ms) => `${Math.round((100 * ms) / elapsedMs)} %`;
  const told = Object.entries(usedMs).map(([name, ms]) => `${name} ${share(ms)}`);
  if (waitedMs !== undefined) told.push(`waited for one ${share(waitedAfterMs - waitedMs)} of the time`);
  return { result, shares: after.size > 0 ? told.join(", ") : "" };
}

function namesOf({ pid, data }) {
  const postmaster = Number(readFileSync(join(data, "postgres/postmaster.pid"), "utf8").split("\n")[0]);
  const own = new Map([[pid, "server"], [postmaster, "PostgreSQL"], [process.pid, "client"]]);
  return (id, { parent }) => own.get(id) ?? (parent === postmaster ? "PostgreSQL" : "others");
}

/** All of the machine, by their ids, each with its threads. Source: proc(5), /proc/pid/stat. */
function processes() {
  const found = new Map();
  if (!existsSync("/proc/self/stat")) return found;
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const fields = readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1).split(" ");
      found.set(Number(name), { parent: Number(fields[1]), usedMs: (Number(fields[11]) + Number(fields[12])) * tickMs });
    } catch {
      // It has just ended.
    }
  }
  return found;
}

/** How long some process was ready to run and had no processor. Undefined where the kernel does not count it (CONFIG_PSI). */
function waitMs() {
  if (!existsSync("/proc/pressure/cpu")) return undefined;
  return Number(/some .*total=(\d+)/.exec(readFileSync("/proc/pressure/cpu", "utf8"))[1]) / 1_000;
}
