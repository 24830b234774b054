// How far the event log of each held attempt is: what is reported after that is done once, however often it is sent.

import { leaseKey } from "./task-source.ts";
import type { Lease } from "./task-source.ts";

export class EventPlaces {
  readonly #seqs = new Map<string, number>();

  /** `eventSeq`: the event of the claim. */
  begin(lease: Lease, eventSeq: number): void {
    this.#seqs.set(leaseKey(lease), eventSeq);
  }

  /** The last event that this worker knows of; undefined for an attempt that it did not claim here. */
  of(lease: Lease): number | undefined {
    return this.#seqs.get(leaseKey(lease));
  }

  /** So many more were written. */
  advance(lease: Lease, count: number): void {
    const seq = this.of(lease);
    if (seq !== undefined) this.begin(lease, seq + count);
  }

  /** Forgets all others. */
  keep(held: readonly Lease[]): void {
    const known = new Set(held.map(leaseKey));
    for (const key of this.#seqs.keys()) if (!known.has(key)) this.#seqs.delete(key);
  }
}
