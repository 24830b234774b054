// The settings of who may come in: proxies that are believed, and requests in a minute.

import { z } from "zod";

import { readRange } from "../address-range.ts";
import { limits } from "../limits.ts";

export interface AccessSettings {
  /** Networks in CIDR notation whose `X-Forwarded-*` headers are believed. Default: none. */
  readonly trustedProxies: readonly string[];
  /** Shared with a server of tools that calls for its own clients and signs their addresses. Default: none is believed. */
  readonly callerSecret: string | undefined;
  /** Requests that one key may send in a minute; 0: any number. */
  readonly keyRequestsPerMinute: number;
  /** Requests that one address may send in a minute without proving a key; 0: any number. */
  readonly addressRequestsPerMinute: number;
}

export const accessVariables = {
  ATELIER_TRUSTED_PROXIES: z.string().transform(readRanges).default([]),
  ATELIER_CALLER_SECRET: z.string().trim().min(32, "must have at least 32 characters").optional(),
  ATELIER_KEY_REQUESTS_PER_MINUTE: requests().default(limits.keyRequestsPerMinute),
  ATELIER_ADDRESS_REQUESTS_PER_MINUTE: requests().default(limits.addressRequestsPerMinute),
};

export function accessFrom(values: z.infer<z.ZodObject<typeof accessVariables>>): AccessSettings {
  return Object.freeze({
    trustedProxies: Object.freeze(values.ATELIER_TRUSTED_PROXIES),
    callerSecret: values.ATELIER_CALLER_SECRET,
    keyRequestsPerMinute: values.ATELIER_KEY_REQUESTS_PER_MINUTE,
    addressRequestsPerMinute: values.ATELIER_ADDRESS_REQUESTS_PER_MINUTE,
  });
}

function requests() {
  return z
    .string()
    .regex(/^\s*\d{1,7}\s*$/, "must be a whole number up to 9999999; 0 for any number of requests")
    .transform(Number);
}

/** Addresses and networks, separated by commas. */
function readRanges(value: string, context: z.RefinementCtx): string[] {
  return value
    .split(",")
    .filter((entry) => entry.trim() !== "")
    .map((entry) => {
      const range = readRange(entry);
      if (range !== undefined) return range;
      context.addIssue({ code: "custom", message: `has an entry that is no address or network: ${JSON.stringify(entry.trim())}` });
      return z.NEVER;
    });
}
