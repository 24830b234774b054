// The hosts of a database's address: there may be several, of which one takes writes (session.ts finds it).

/** One URL for each host of a list as libpq writes it: `postgres://user@one:5432,two/name`. What is asked of the session
 *  (`target_session_attrs`) is left out: every session of ours must be able to write.
 *  Source: PostgreSQL, libpq, "Specifying Multiple Hosts". */
export function splitHosts(connectionString: string): string[] {
  const [, scheme = "", hosts = "", rest = ""] = /^(\w+:\/\/(?:[^@/?]*@)?)([^/?]*)(.*)$/s.exec(connectionString) ?? [];
  if (!hosts.includes(",")) return [connectionString];
  const ours = rest.replace(/([?&])target_session_attrs=[^&]*&?/, "$1").replace(/[?&]$/, "");
  return hosts.split(",").map((host) => `${scheme}${host}${ours}`);
}
