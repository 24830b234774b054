// The private hosts and networks that the operator opens to callbacks and input URLs.

import { isIP } from "node:net";

import ipaddr from "ipaddr.js";

import { OperatorError } from "../operator-error.ts";
import { isWithin } from "./public-address.ts";

export interface AllowList {
  /** The name is listed: whatever it resolves to is the operator's word. */
  permitsName(name: string): boolean;
  /** The address is listed, or lies in a listed network. */
  permitsAddress(address: string): boolean;
}

/** Entries: a host name (`receiver.lan`), an address (`10.0.0.5`, `fd00::5`) or a network (`10.0.0.0/8`).
 *  Throws CONFIG_INVALID naming an entry that is none of them. */
export function parseAllowList(entries: readonly string[]): AllowList {
  const names = new Set<string>();
  const networks: ReturnType<typeof ipaddr.parseCIDR>[] = [];
  for (const entry of entries.map((text) => text.trim().toLowerCase()).filter((text) => text !== "")) {
    const network = networkOf(entry);
    if (network) networks.push(network);
    else names.add(nameOf(entry));
  }
  return {
    permitsName: (name) => names.has(withoutDot(name)),
    permitsAddress(address) {
      if (isIP(address) === 0 || address.includes("%")) return false;
      const parsed = ipaddr.parse(address);
      return networks.some((network) => isWithin(parsed, network));
    },
  };
}

function networkOf(entry: string): ReturnType<typeof ipaddr.parseCIDR> | undefined {
  const [address = "", prefix] = entry.split("/");
  if (isIP(address) === 0) return undefined;
  const bits = isIP(address) === 4 ? 32 : 128;
  if (address.includes("%")) throw invalid(entry);
  if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)) throw invalid(entry);
  return ipaddr.parseCIDR(`${address}/${prefix ?? bits}`);
}

function nameOf(entry: string): string {
  const url = /^[^\s/:@?#%*\\[\]]+$/.test(entry) && URL.canParse(`http://${entry}`) ? new URL(`http://${entry}`) : undefined;
  // A name that a URL reads as an address (`127.1`) would never be looked up.
  if (!url || isIP(url.hostname) !== 0) throw invalid(entry);
  return withoutDot(url.hostname);
}

function withoutDot(name: string): string {
  return name.replace(/\.$/, "");
}

function invalid(entry: string): OperatorError {
  return new OperatorError("CONFIG_INVALID", {
    problem: `ATELIER_OUTBOUND_ALLOW has an entry that is no host name, address or network: ${JSON.stringify(entry)}.`,
    remedy: "Write for example 10.0.0.5, 10.0.0.0/8, fd00::/8 or receiver.lan, separated by commas.",
  });
}
