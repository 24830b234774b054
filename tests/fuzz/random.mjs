// Random choices that a seed and a case's number repeat exactly.

export class Random {
  #state;

  /** Every case has a stream of its own, so that one case can be repeated without those before it. */
  constructor(seed, caseNumber) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(caseNumber + 1, 0x85ebca6b)) >>> 0;
  }

  /** At least 0, less than 1 (mulberry32, public domain). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `min` to `max`. */
  int(min, max) {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(ratio) {
    return this.next() < ratio;
  }

  pick(list) {
    return list[this.int(0, list.length - 1)];
  }

  /** One of `[weight, value]`. */
  weighted(pairs) {
    let left = this.next() * pairs.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of pairs) {
      left -= weight;
      if (left < 0) return value;
    }
    return pairs.at(-1)[1];
  }

  bytes(length) {
    return Buffer.from(Array.from({ length }, () => this.int(0, 255)));
  }

  list(length, make) {
    return Array.from({ length }, () => make());
  }
}
