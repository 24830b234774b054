// Finds out from where, and over what, a client has reached the server, also behind proxies.

import type { IncomingMessage } from "node:http";

import { openRanges, readAddress } from "../address-range.ts";

export interface ClientOrigin {
  /** In its usual spelling; "unknown" on a socket without addresses. */
  readonly address: string;
  /** Whether the client speaks TLS, as far as the proxies tell. */
  readonly isSecure: boolean;
  /** Somebody who is not trusted claims to pass a request on for another. */
  readonly hasIgnoredForwarding: boolean;
}

/** Everyone can write the headers `X-Forwarded-*`, so they are read only when the connection comes from one of `trusted`, and
 *  from the right: each trusted proxy vouches for the entry to its left, and the first address that is not trusted is the
 *  client. An entry that is no address ends the walk: the proxy that wrote it counts. */
export function openClientOrigin(trusted: readonly string[]): (request: IncomingMessage) => ClientOrigin {
  const isTrusted = openRanges(trusted);
  return (request) => {
    const peer = readAddress(request.socket.remoteAddress ?? "") ?? "unknown";
    // TLS ends at the proxy; this server speaks none.
    if (!isTrusted(peer)) {
      return { address: peer, isSecure: false, hasIgnoredForwarding: request.headers["x-forwarded-for"] !== undefined };
    }
    const proto = lastOf(request.headers["x-forwarded-proto"]).toLowerCase();
    const address = clientBehind(peer, entriesOf(request.headers["x-forwarded-for"]), isTrusted);
    return { address, isSecure: proto === "https" || proto === "wss", hasIgnoredForwarding: false };
  };
}

function clientBehind(peer: string, entries: readonly string[], isTrusted: (address: string) => boolean): string {
  let client = peer;
  for (const entry of entries.toReversed()) {
    const address = readAddress(entry);
    if (address === undefined) return client;
    client = address;
    if (!isTrusted(address)) return client;
  }
  return client;
}

function entriesOf(header: string | string[] | undefined): string[] {
  const text = Array.isArray(header) ? header.join(",") : (header ?? "");
  return text.split(",").filter((entry) => entry.trim() !== "");
}

function lastOf(header: string | string[] | undefined): string {
  return entriesOf(header).at(-1)?.trim() ?? "";
}
