// A small seeded generator (xorshift32), so that a failing simulation is redone by its seed.

export interface SeededRandom {
  /** A whole number from 0 to `below - 1`. */
  below(below: number): number;
  /** True with the given probability. */
  chance(probabilityRatio: number): boolean;
  pick<Item>(items: readonly Item[]): Item | undefined;
}

export function seededRandom(seed: number): SeededRandom {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 0x1_0000_0000;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  return { below, chance: (ratio) => next() < ratio, pick: (items) => items[below(items.length)] };
}
