// Turns the name of a host into its addresses, in the two ways the server needs.

import { lookup, Resolver } from "node:dns/promises";

/** All addresses of `name`, at least one. Rejects when there are none. */
export type ResolveName = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

/** Asks DNS itself, both families at once. Not `lookup`: that one waits in the few threads that file access uses as well,
 *  so that one slow name server would hold up everything, and it completes short names with the machine's own domain. */
export const resolvePublicName: ResolveName = async (name, signal) => {
  const resolver = new Resolver();
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (addresses.length === 0) throw new Error("no addresses", { cause: answers });
    return addresses;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
};

/** Asks the machine, `/etc/hosts` and its own domain included: for names that the operator has listed. */
export const resolveListedName: ResolveName = async (name) => {
  const answers = await lookup(name, { all: true });
  return answers.map((answer) => answer.address);
};
