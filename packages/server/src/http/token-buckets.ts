// Counts requests of many callers, each with a bucket that refills evenly; the number of buckets is bounded.

import { Recent } from "./recent.ts";

export interface BucketRules {
  /** What a full bucket holds and what flows into it in a minute; 0: no limit. */
  readonly perMinute: number;
  /** Callers that are certainly remembered, those of late; up to twice as many may be. One who is forgotten starts anew. */
  readonly buckets: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

export class TokenBuckets {
  readonly #rules: BucketRules;
  readonly #clock: () => number;
  readonly #buckets: Recent<Bucket>;

  /** `clock`: milliseconds that never go back; tests pass their own. */
  constructor(rules: BucketRules, clock: () => number = () => performance.now()) {
    this.#rules = rules;
    this.#clock = clock;
    this.#buckets = new Recent(rules.buckets);
  }

  /** Takes one token. Returns 0, or how many milliseconds it takes until there is one again. */
  take(id: string): number {
    const { perMinute } = this.#rules;
    if (perMinute === 0) return 0;
    const bucket = this.#refilled(id, perMinute);
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 60_000) / perMinute);
    bucket.tokens -= 1;
    return 0;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #refilled(id: string, perMinute: number): Bucket {
    const now = this.#clock();
    const known = this.#buckets.get(id);
    const earned = known ? ((now - known.at) * perMinute) / 60_000 : 0;
    const bucket = { tokens: Math.min(perMinute, (known?.tokens ?? perMinute) + earned), at: now };
    this.#buckets.set(id, bucket);
    return bucket;
  }
}
