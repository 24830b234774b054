// Turns many calls into few statements: what comes at the same moment, or while earlier statements are under way, shares one.

import { AtelierError } from "../errors.ts";

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

/** `work` gets items in the order of their coming and answers with one result for each, in the same order. A call that comes
 *  alone waits for the rest of its turn of the event loop and for nothing else. When `work` throws, it has done nothing, and is
 *  asked for each item by itself, so that a bad one fails alone; except for an AtelierError (the database is away or full):
 *  then all of its items fail with it, as it may be unknown what was done. */
export function gather<Item, Result>(
  work: (items: readonly Item[]) => Promise<readonly Result[]>,
  { atOnce, most }: GatherLimits,
): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let underWay = 0;
  let isStarting = false;

  const startSoon = (): void => {
    if (isStarting) return;
    isStarting = true;
    setImmediate(start);
  };

  const start = (): void => {
    isStarting = false;
    while (underWay < atOnce && waiting.length > 0) {
      underWay += 1;
      void settle(waiting.splice(0, most)).finally(() => {
        underWay -= 1;
        startSoon();
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
      if (batch.length > 1 && !(error instanceof AtelierError)) for (const item of batch) await settle([item]);
      else for (const { reject } of batch) reject(error);
    }
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      startSoon();
    });
}
