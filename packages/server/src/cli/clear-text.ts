// Whether what is sent to an address can be read on its way.

/** True for http to anything but this machine: whoever sits between reads a token that is sent there. */
export function isReadableOnItsWay(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !isLoopback(hostname);
}

/** `hostname`: as URL spells it, so IPv4 addresses have four numbers and IPv6 ones brackets. */
function isLoopback(hostname: string): boolean {
  return /^127\.\d+\.\d+\.\d+$/.test(hostname) || hostname === "[::1]" || /^(.+\.)?localhost\.?$/.test(hostname);
}
