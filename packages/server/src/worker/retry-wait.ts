// How long a worker waits before it asks again for what it could not reach.

import { limits } from "../limits.ts";

/** Doubles from try to try up to the limit, less a random part: workers that lost one server do not come back as one. */
export function retryWaitMs(failures: number): number {
  return Math.min(limits.workerRetryMs * 2 ** failures, limits.workerRetryMaxMs) * (0.5 + Math.random() / 2);
}
