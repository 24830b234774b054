// A database with several hosts, of which one takes writes: finds that one, and the next one after a failover.

import pg from "pg";

import { limits } from "../limits.ts";

/** One URL for each host of a list as libpq writes it: `postgres://user@one:5432,two/name`. What is asked of the session
 *  (`target_session_attrs`) is left out: every session of ours must be able to write.
 *  Source: PostgreSQL, libpq, "Specifying Multiple Hosts". */
export function splitHosts(connectionString: string): string[] {
  const [, scheme = "", hosts = "", rest = ""] = /^(\w+:\/\/(?:[^@/?]*@)?)([^/?]*)(.*)$/s.exec(connectionString) ?? [];
  if (!hosts.includes(",")) return [connectionString];
  const ours = rest.replace(/([?&])target_session_attrs=[^&]*&?/, "$1").replace(/[?&]$/, "");
  return hosts.split(",").map((host) => `${scheme}${host}${ours}`);
}

/** The class that pools and listeners make their sessions of. With one host it is pg's own; with several, each session goes
 *  to the host that was good last, and makes sure that it is no standby. Where it fails, the next one tries the next host. */
export function sessionsOf(address: object): typeof pg.Client {
  const urls = "connectionString" in address ? splitHosts(String(address.connectionString)) : [];
  return urls.length > 1 ? sessionsOfMany(urls) : pg.Client;
}

type ConnectCallback = ((error: Error) => void) | ((error: null, client: pg.Client) => void);

function sessionsOfMany(urls: readonly string[]): typeof pg.Client {
  let current = 0;
  return class HostSession extends pg.Client {
    readonly #host: number;

    constructor(config?: string | pg.ClientConfig) {
      const settings = typeof config === "string" ? {} : config;
      // `current` is an index of `urls`.
      super({ ...settings, connectionString: urls[current] as string, connectionTimeoutMillis: limits.databaseHostMs });
      this.#host = current;
    }

    /** As pg's own: with a callback for pools, with a promise for others. */
    override connect(): Promise<this>;
    override connect(callback: ConnectCallback): void;
    override connect(callback?: ConnectCallback): Promise<this> | void {
      const connecting = this.#connect();
      if (!callback) return connecting;
      // Both of pg's forms take what they are given here.
      connecting.then(() => (callback as (error: null, client: pg.Client) => void)(null, this), callback as (error: Error) => void);
    }

    async #connect(): Promise<this> {
      try {
        await super.connect();
        const { rows } = await super.query<{ standby: boolean }>("select pg_is_in_recovery() as standby");
        if (rows[0]?.standby !== true) return this;
        throw Object.assign(new Error("this host is a standby"), { code: "25006" });
      } catch (error) {
        // Of sessions that fail together, one moves on.
        if (current === this.#host) current = (current + 1) % urls.length;
        super.end().catch(() => undefined);
        throw error;
      }
    }
  };
}
