// Turns many calls into few statements: what comes at the same moment, or while earlier statements are under way, shares one.

import { AtelierError } from "../errors.ts";
import { isRefusal } from "./connection-error.ts";

export interface GatherLimits {
  /** Statements under way at once. */
  readonly atOnce: number;
  /** Items of one statement. */
  readonly most: number;
  /** Items that wait; a call beyond is answered with SERVER_UNAVAILABLE at once. */
  readonly waiting: number;
  /** How long a call may wait for its statement to begin; then it is answered with SERVER_UNAVAILABLE when the next one would.
   *  Absent: for ever. While the database is away, each statement ahead takes `databaseAwayMs`. */
  readonly waitMs?: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  readonly sinceMs: number;
}

/** `work` gets items in the order of their coming and answers with one result for each, in the same order. A call that comes
 *  alone waits for the rest of its turn of the event loop and for nothing else. When PostgreSQL refuses the statement
 *  of `work`, nothing was done, and it is asked for each item by itself, so that a bad one fails alone. After any other error
 *  (the database is away or full) it may be unknown what was done: all items that were not settled fail with it. Items with
 *  the same `keyOf` never share a statement. */
export function gather<Item, Result>(
  work: (items: readonly Item[]) => Promise<readonly Result[]>,
  { atOnce, most, waiting: mostWaiting, waitMs = Infinity }: GatherLimits,
  keyOf?: (item: Item) => string,
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
    // The oldest are the first.
    while (underWay < atOnce && waiting[0] && performance.now() - waiting[0].sinceMs > waitMs) {
      waiting.shift()?.reject(new AtelierError("SERVER_UNAVAILABLE"));
    }
    while (underWay < atOnce && waiting.length > 0) {
      underWay += 1;
      void settle(keyOf ? takeByKey(waiting, keyOf, most) : waiting.splice(0, most)).finally(() => {
        underWay -= 1;
        startSoon();
      });
    }
  };

  /** Returns the error that leaves the outcome unknown, if there was one. */
  const settle = async (batch: readonly Waiting<Item, Result>[]): Promise<unknown> => {
    try {
      const results = await work(batch.map(({ item }) => item));
      if (results.length !== batch.length) throw new Error(`${batch.length} items were answered by ${results.length} results`);
      // The lengths are equal, so there is a result at each place.
      for (const [at, { resolve }] of batch.entries()) resolve(results[at] as Result);
      return undefined;
    } catch (error) {
      if (batch.length > 1 && isRefusal(error)) return settleSingly(batch);
      for (const { reject } of batch) reject(error);
      return isRefusal(error) ? undefined : error;
    }
  };

  const settleSingly = async (batch: readonly Waiting<Item, Result>[]): Promise<unknown> => {
    let failure: unknown;
    for (const one of batch) {
      if (failure === undefined) failure = await settle([one]);
      else one.reject(failure);
    }
    return failure;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= mostWaiting) return reject(new AtelierError("SERVER_UNAVAILABLE"));
      waiting.push({ item, resolve, reject, sinceMs: performance.now() });
      startSoon();
    });
}

/** The oldest, without those whose key is taken: they stay for the next one. */
function takeByKey<Item, Result>(waiting: Waiting<Item, Result>[], keyOf: (item: Item) => string, most: number): Waiting<Item, Result>[] {
  const batch = new Map<string, Waiting<Item, Result>>();
  const left: Waiting<Item, Result>[] = [];
  for (const one of waiting.splice(0)) {
    const key = keyOf(one.item);
    if (batch.size < most && !batch.has(key)) batch.set(key, one);
    else left.push(one);
  }
  waiting.push(...left);
  return [...batch.values()];
}
