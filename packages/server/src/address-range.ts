// Addresses and networks as operators and proxies write them: IPv4, IPv6, IPv4 inside IPv6, with or without a port.

import { isIP } from "node:net";

import ipaddr from "ipaddr.js";

/** The usual spelling of an address (`10.0.0.5`, `2001:db8::1`), an IPv4 address inside an IPv6 one as IPv4. Takes away what
 *  proxies add: a port, brackets, a zone. Undefined for what is no address. */
export function readAddress(text: string): string | undefined {
  const trimmed = text.trim();
  const bare = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(trimmed)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(trimmed)?.[1] ?? trimmed;
  const address = bare.replace(/%[^%]*$/, "");
  return isIP(address) === 0 ? undefined : ipaddr.process(address).toString();
}

/** A network in CIDR notation without bits beyond its prefix; an address alone is a network of one. Undefined for what is
 *  neither. */
export function readRange(text: string): string | undefined {
  const [address = "", prefix, ...rest] = text.trim().split("/");
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  if (family === 0 || address.includes("%") || !isPrefix || rest.length > 0) return undefined;
  const given = Number(prefix ?? bits);
  const parsed = ipaddr.parse(address);
  // A mapped network is the IPv4 network: that is how `readAddress` spells the addresses that it is asked about.
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress()) {
    return given < 96 ? undefined : readRange(`${parsed.toIPv4Address().toString()}/${given - 96}`);
  }
  const network = family === 4 ? ipaddr.IPv4.networkAddressFromCIDR(`${address}/${given}`) : networkOf6(`${address}/${given}`);
  return `${network.toString()}/${given}`;
}

function networkOf6(range: string): ipaddr.IPv6 {
  return ipaddr.IPv6.networkAddressFromCIDR(range);
}

/** Tells whether an address lies in one of the networks. `ranges`: as `readRange` gives them. */
export function openRanges(ranges: readonly string[]): (address: string) => boolean {
  const networks = ranges.map((range) => ipaddr.parseCIDR(range));
  return (address) => {
    const known = readAddress(address);
    if (known === undefined) return false;
    const parsed = ipaddr.parse(known);
    return networks.some((network) => network[0].kind() === parsed.kind() && parsed.match(network));
  };
}
