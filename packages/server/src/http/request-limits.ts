// How many requests a key, and an address without one, may send in a minute (docs/wire-contract.md, "Limits").

import { hash } from "node:crypto";

import ipaddr from "ipaddr.js";

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import { Recent } from "./recent.ts";
import { TokenBuckets } from "./token-buckets.ts";

export interface RequestRates {
  /** Requests that one key may send in a minute; 0: any number. */
  readonly keyRequestsPerMinute: number;
  /** Requests that one address may send in a minute without proving a key; 0: any number. */
  readonly addressRequestsPerMinute: number;
}

/** One request's way past the limits. All throw RATE_LIMITED. */
export interface Admission {
  /** The request has proved that it comes from the key's owner. */
  prove(): void;
  /** It has not. */
  refuse(): void;
  /** It will leave a nonce behind: these are counted also where the key's requests are not. */
  spendNonce(): void;
}

export class RequestLimits {
  readonly #keys: TokenBuckets;
  readonly #addresses: TokenBuckets;
  readonly #nonces: TokenBuckets;
  /** Pairs of address and key of which a request was proved lately. */
  readonly #proven: Recent<true>;

  /** `options`: for tests. */
  constructor(rates: RequestRates, options: { clock?: () => number; buckets?: number } = {}) {
    const { clock, buckets = limits.rateBuckets } = options;
    this.#proven = new Recent(buckets);
    this.#keys = new TokenBuckets({ perMinute: rates.keyRequestsPerMinute, buckets }, clock);
    this.#nonces = new TokenBuckets({ perMinute: limits.signedRequestsPerMinute, buckets }, clock);
    this.#addresses = new TokenBuckets({ perMinute: rates.addressRequestsPerMinute, buckets }, clock);
  }

  /** Counts a request before anything is done for it. Anyone may write anyone's key into a header, so a key is counted only
   *  where a request from the same address has proved it lately; all else counts for the address.
   *  Throws RATE_LIMITED. */
  admit(address: string, apiKey: string): Admission {
    const key = hash("sha256", apiKey, "base64");
    const pair = `${groupOf(address)} ${key}`;
    const wasProven = this.#proven.get(pair) === true;
    refuseAfter(wasProven ? this.#keys.take(key) : this.#addresses.take(groupOf(address)));
    return {
      prove: () => {
        if (!wasProven) refuseAfter(this.#keys.take(key));
        this.#proven.set(pair, true);
      },
      spendNonce: () => refuseAfter(this.#nonces.take(key)),
      refuse: () => {
        this.#proven.delete(pair);
        if (wasProven) refuseAfter(this.#addresses.take(groupOf(address)));
      },
    };
  }

  /** How much is remembered, for tests of its bound. */
  get size(): number {
    return this.#keys.size + this.#addresses.size + this.#nonces.size + this.#proven.size;
  }
}

/** An IPv6 customer is given a /64 at least (RFC 6177), and could use another address of it for every request. */
function groupOf(address: string): string {
  if (!address.includes(":")) return address;
  return ipaddr.IPv6.networkAddressFromCIDR(`${address}/64`).toString();
}

function refuseAfter(waitMs: number): void {
  if (waitMs > 0) throw new AtelierError("RATE_LIMITED", { seconds: Math.ceil(waitMs / 1000) });
}
