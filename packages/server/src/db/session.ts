// What a session of ours is: it plans and speaks as our statements need, and of several hosts it is on the one that takes writes.

import pg from "pg";

import { limits } from "../limits.ts";
import { splitHosts } from "./hosts.ts";

/** How sessions plan. A prepared statement keeps one plan for all values, and the plan that is made while a table is empty must
 *  be right when it holds a million rows: our statements read few rows through an index, always. Compiling them (jit) costs
 *  more than they take. */
const planning = {
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  jit: "off",
} as const;

/** What our statements mean, whatever was set for the database or the role: each of them sees what is committed when it begins, on which
 *  limits that are counted under a lock depend, and dates come in the form that pg reads (of others it makes null). */
const meaning = { default_transaction_isolation: "read committed", datestyle: "ISO" } as const;

/** Set by a statement, not by start-up options: poolers (PgBouncer) refuse those, and `?options=` in a URL replaces them. */
function preparing(settings: Readonly<Record<string, string>>): string {
  const set = Object.entries({ ...planning, ...meaning, ...settings }).map(([name, value]) => `set_config('${name}', '${value}', false)`);
  return `select pg_is_in_recovery() as standby, ${set.join(", ")}`;
}

/** Lifts, for this session or for the transaction, the limits on time that an operator set for requests: what goes through whole tables
 *  takes as long as it takes. As pg_dump does; PostgreSQL before 17 has no `transaction_timeout`. */
export function withoutTimeouts(scope: "session" | "transaction"): string {
  return `select set_config(name, '0', ${scope === "transaction"}) from pg_settings
           where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`;
}

/** The class that pools and listeners make their sessions of. With several hosts each session goes to the host that was good
 *  last, and makes sure that it is no standby. Where it fails, the next one tries the next host. `settings`: PostgreSQL's, beside those of
 *  every session of ours. */
export function sessionsOf(address: object, settings: Readonly<Record<string, string>> = {}): typeof pg.Client {
  const prepare = preparing(settings);
  const urls = "connectionString" in address ? splitHosts(String(address.connectionString)) : [];
  let current = 0;
  return class Session extends pg.Client {
    readonly #host: number;

    constructor(config?: string | pg.ClientConfig) {
      super(urls.length > 1 ? ofHost(config, urls[current]) : config);
      this.#host = current;
    }

    /** As pg's own: with a callback for pools, with a promise for others. */
    override connect(): Promise<this>;
    override connect(callback: ConnectCallback): void;
    override connect(callback?: ConnectCallback): Promise<this> | void {
      const connecting = this.#connect();
      if (!callback) return connecting;
      // No event comes between the end of the one and the call of the other. Both of pg's forms take what they are given here.
      connecting.then(() => (callback as (error: null, client: pg.Client) => void)(null, this), callback as (error: Error) => void);
    }

    /** Pools listen for errors only once they have the session: until then one that PostgreSQL ends, in whatever moment, would end the
     *  process. What asks next is told. */
    async #connect(): Promise<this> {
      const ignore = (): void => undefined;
      this.on("error", ignore);
      try {
        await super.connect();
        const { rows } = await super.query<{ standby: boolean }>(prepare);
        if (urls.length <= 1 || rows[0]?.standby !== true) {
          this.off("error", ignore);
          return this;
        }
        throw Object.assign(new Error("this host is a standby"), { code: "25006" });
      } catch (error) {
        // Of sessions that fail together, one moves on.
        if (current === this.#host && urls.length > 1) current = (current + 1) % urls.length;
        super.end().catch(() => undefined);
        throw error;
      }
    }
  };
}

type ConnectCallback = ((error: Error) => void) | ((error: null, client: pg.Client) => void);

function ofHost(config: string | pg.ClientConfig | undefined, connectionString: string | undefined): pg.ClientConfig {
  const settings = typeof config === "object" ? config : {};
  return { ...settings, ...(connectionString !== undefined && { connectionString }), connectionTimeoutMillis: limits.databaseHostMs };
}
