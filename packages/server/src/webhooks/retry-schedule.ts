// When a failed callback is tried again.

import { limits } from "../limits.ts";

/** Waits that are kept to the second: the pace that old receivers expect. */
const exactWaits = 2;

/** Milliseconds until the next try after `failures` failed ones (1 or more); undefined when it was the last.
 *  `drawRatio`: from 0 up to 1. */
export function nextWaitMs(failures: number, drawRatio: () => number): number | undefined {
  const waitMs = limits.deliveryWaitsMs[failures - 1];
  if (waitMs === undefined || failures <= exactWaits) return waitMs;
  return Math.round(waitMs * (1 + limits.deliveryJitterRatio * (2 * drawRatio() - 1)));
}
