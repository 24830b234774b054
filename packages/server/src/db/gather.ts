// Turns many calls into few statements: what comes while earlier statements are under way shares the next one.

export interface GatherLimits {
  /** Statements under way at once. */
  readonly atOnce: number;
  /** Items of one statement. */
  readonly most: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** `work` gets items in the order of their coming and answers with one result for each, in the same order. When it throws,
 *  all of its items fail with that error. A call that comes alone is not kept waiting. */
export function gather<Item, Result>(
  work: (items: readonly Item[]) => Promise<readonly Result[]>,
  { atOnce, most }: GatherLimits,
): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let underWay = 0;

  const start = (): void => {
    while (underWay < atOnce && waiting.length > 0) {
      underWay += 1;
      void settle(waiting.splice(0, most)).finally(() => {
        underWay -= 1;
        start();
      });
    }
  };

  const settle = async (batch: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await work(batch.map(({ item }) => item));
      if (results.length !== batch.length) throw new Error(`${batch.length} items were answered by ${results.length} results`);
      // The lengths are equal, so there is a result at each place.
      for (const [at, { resolve }] of batch.entries()) resolve(results[at] as Result);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      start();
    });
}
