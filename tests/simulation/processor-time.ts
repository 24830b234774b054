// Processor time of a test and of the PostgreSQL sessions that work for it.

import { readFile } from "node:fs/promises";

import type { Database } from "../../packages/server/src/db/database.ts";

const ticksPerSecond = 100;

/** Adds up what this process and the sessions of one database use, where the system tells it (Linux: proc_pid_stat(5), fields 14
 *  and 15). To be looked at more often than a pool lets sessions idle: of one that has ended nothing can be read. */
export class ProcessorTime {
  readonly #db: Database;
  readonly #startedAt = process.cpuUsage();
  /** Of each session by its process id: at the beginning, or zero where it began later, and at the last look. */
  readonly #sessions = new Map<number, { readonly first: number; last: number }>();
  #hasLooked = false;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Seconds so far since the first look. */
  async look(): Promise<{ own: number; sessions: number }> {
    const { rows } = await this.#db.query<{ pid: number }>("select pid from pg_stat_activity where datname = current_database()");
    for (const { pid } of rows) {
      const ticks = await ticksOf(pid);
      const known = this.#sessions.get(pid);
      if (known) known.last = Math.max(known.last, ticks);
      else this.#sessions.set(pid, { first: this.#hasLooked ? 0 : ticks, last: ticks });
    }
    this.#hasLooked = true;
    const { user, system } = process.cpuUsage(this.#startedAt);
    const ticks = [...this.#sessions.values()].reduce((sum, { first, last }) => sum + last - first, 0);
    return { own: (user + system) / 1e6, sessions: ticks / ticksPerSecond };
  }
}

async function ticksOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}
