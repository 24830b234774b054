// Keeps workers from beginning tasks whose pictures would find no room: they wait in the queue, unharmed.

import { setTimeout as delay } from "node:timers/promises";

import { limits } from "../limits.ts";
import type { TaskClaims } from "./claim-line.ts";

export function claimsWithRoom(line: TaskClaims, hasRoom: () => Promise<boolean>): TaskClaims {
  return {
    async claim(request, options) {
      if (await hasRoom()) return line.claim(request, options);
      await delay(limits.claimPollMs, undefined, { signal: options.signal }).catch(() => undefined); // aborted: no task
      return [];
    },
    askAgain: () => line.askAgain(),
  };
}
