// Decides whether a URL may be spoken to, and to which addresses: the one place where that is decided.

import { isIP } from "node:net";

import type { AllowList } from "./allow-list.ts";
import { isForbiddenPort } from "./forbidden-ports.ts";
import { OutboundError } from "./outbound-error.ts";
import { isPublicAddress } from "./public-address.ts";
import type { ResolveName } from "./resolve-name.ts";

/** A URL with the addresses that were checked; the connection goes to one of them and nowhere else. */
export interface Target {
  readonly url: URL;
  readonly addresses: readonly string[];
}

export interface TargetRules {
  readonly allow: AllowList;
  readonly resolvePublicName: ResolveName;
  readonly resolveListedName: ResolveName;
}

/** Resolves the name once. Throws an OutboundError that is a refusal, or `name-unknown`. One address that is neither public
 *  nor listed refuses the whole target: a name with mixed answers is how a guard is walked around. */
export async function checkTarget(rules: TargetRules, text: string, signal: AbortSignal): Promise<Target> {
  const url = parseTargetUrl(text);
  const addresses = await addressesOf(rules, url, signal);
  const isListedName = rules.allow.permitsName(url.hostname);
  for (const address of addresses) {
    if (!isListedName && !isPublicAddress(address) && !rules.allow.permitsAddress(address)) {
      throw new OutboundError("address-refused");
    }
  }
  return { url, addresses };
}

/** The WHATWG parser turns every spelling of an IPv4 address (hexadecimal, octal, one number, full-width digits, a dot at
 *  the end) into the usual one, so that what is checked is what is connected to. */
export function parseTargetUrl(text: string): URL {
  if (!URL.canParse(text)) throw new OutboundError("url-invalid");
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new OutboundError("url-invalid");
  if (url.username !== "" || url.password !== "") throw new OutboundError("userinfo-refused");
  if (isForbiddenPort(url.port)) throw new OutboundError("port-refused");
  return url;
}

async function addressesOf(rules: TargetRules, url: URL, signal: AbortSignal): Promise<readonly string[]> {
  const literal = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(literal) !== 0) return [literal];
  const resolve = rules.allow.permitsName(url.hostname) ? rules.resolveListedName : rules.resolvePublicName;
  try {
    return await untilAborted(resolve(url.hostname, signal), signal);
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new OutboundError("name-unknown", { cause });
  }
}

/** A lookup of the system cannot be stopped, but it need not be waited for. */
async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
