// A server of tools that calls this one for its own clients says for whom, signed with a secret that both know (contract,
// "Trusted proxy"): without it, all its clients would count as one address.

import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

import { readAddress } from "../address-range.ts";
import { limits } from "../limits.ts";

/** The address of the client for whom a request is passed on; undefined when it names none, or its signature is not right or
 *  is more than five minutes away from now. `secret` undefined: nobody is believed. */
export function openForwardedClient(
  secret: string | undefined,
  clockMs: () => number = Date.now,
): (request: Pick<IncomingMessage, "headers" | "url">) => string | undefined {
  if (secret === undefined) return () => undefined;
  return ({ headers, url = "" }) => {
    const [clientIp, timestamp, signature] = ["client-ip", "timestamp", "signature"].map((name) => textOf(headers[`x-wiro-proxy-${name}`]));
    if (!clientIp || !timestamp || !signature) return undefined;
    if (!/^[0-9]{1,15}$/.test(timestamp) || Math.abs(clockMs() - Number(timestamp)) > limits.signatureWindowMs) return undefined;
    const apiKey = textOf(headers["x-api-key"]) ?? "";
    const message = [timestamp, clientIp, apiKey, url.split("?")[0]].join("\n");
    const expected = createHmac("sha256", secret).update(message).digest();
    const given = Buffer.from(signature, "hex");
    return given.length === expected.length && timingSafeEqual(given, expected) ? readAddress(clientIp) : undefined;
  };
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header.trim() : undefined;
}
