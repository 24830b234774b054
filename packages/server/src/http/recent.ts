// A map that remembers what was used lately, and never more than twice its size.

/** Two generations: what is used moves to the younger one; when that is full the older one is forgotten at once. A single map
 *  in the order of use would do as well, but V8 leaves holes where the oldest entries were deleted, and finding the first
 *  entry walks over all of them: 100,000 insertions into a map of 50,000 took over a minute. */
export class Recent<Value> {
  readonly #size: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  constructor(size: number) {
    this.#size = size;
  }

  get(id: string): Value | undefined {
    return this.#young.get(id) ?? this.#old.get(id);
  }

  set(id: string, value: Value): void {
    if (this.#young.size >= this.#size && !this.#young.has(id)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(id, value);
  }

  delete(id: string): void {
    this.#young.delete(id);
    this.#old.delete(id);
  }

  /** How many entries are held, of which some may be held twice. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
