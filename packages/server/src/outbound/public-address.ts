// Which addresses are public: those of the open internet, and nothing that a private network gives a meaning of its own.

import { isIP } from "node:net";

import ipaddr from "ipaddr.js";

type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** The only part of IPv6 that is given to hosts of the internet (RFC 4291, section 2.4; IANA's registry). Outside of it lie
 *  mapped, compatible and translated IPv4, local, and everything not yet assigned. */
const globalUnicast = ipaddr.parseCIDR("2000::/3");

/** Azure's host agent (metadata, DNS): a public address that every machine there answers on for itself. */
const azureHostAgent = "168.63.129.16";

/** `address`: an IPv4 or IPv6 address in its usual spelling; any other text, and one with a zone, is not public. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || address.includes("%")) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv6" ? isWithin(parsed, globalUnicast) : address !== azureHostAgent;
}

/** False across the two families: a mapped address is not in an IPv4 network. */
export function isWithin(address: ReturnType<typeof ipaddr.parse>, network: Network): boolean {
  return address.kind() === network[0].kind() && address.match(network);
}
