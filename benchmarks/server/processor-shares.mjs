// Who used the processors while something ran: the server, its PostgreSQL, this client, and everything else on the machine.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Linux counts in hundredths of a second (`getconf CLK_TCK`). */
const tickMs = 10;

/** Shares of one processor, as text: "server 27 %, PostgreSQL 19 %, client 10 %, others 1 %". Empty where there is no /proc.
 *  Of processes that ended meanwhile nothing is known. */
export async function withProcessorShares({ pid, data }, work) {
  const [startedAt, before] = [performance.now(), processes()];
  const result = await work();
  const [elapsedMs, after] = [performance.now() - startedAt, processes()];
  const usedMs = { server: 0, PostgreSQL: 0, client: 0, others: 0 };
  const nameOf = namesOf({ pid, data });
  for (const [id, one] of after) usedMs[nameOf(id, one)] += one.usedMs - (before.get(id)?.usedMs ?? 0);
  const told = Object.entries(usedMs).map(([name, ms]) => `${name} ${Math.round((100 * ms) / elapsedMs)} %`);
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
