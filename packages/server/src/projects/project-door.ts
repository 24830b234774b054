// What authentication asks about projects: whose a key is, and whether a signed request is a new one.

import { gather } from "../db/gather.ts";
import { selectLiveKeys } from "../db/queries/api-keys.ts";
import { insertNonce } from "../db/queries/request-nonces.ts";
import type { NonceUse } from "../db/queries/request-nonces.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import { hashKey } from "./credential.ts";
import { openFoundKey } from "./find-project.ts";
import type { FoundKey } from "./find-project.ts";

export interface ProjectDoor {
  /** What a live key opens; undefined when it is unknown, revoked or expired. */
  findByKey(apiKey: string): Promise<FoundKey | undefined>;
  /** Uses a nonce up. `isTimely`: the request was signed within the window; `isNew`: and it is the first with this nonce. */
  useNonce(use: NonceUse): Promise<{ readonly isTimely: boolean; readonly isNew: boolean }>;
}

/** Requests that come at the same moment, or while a question is under way, share the next one: each with a session of its own,
 *  a burst opened sessions, which made it longer (benchmarks/server/submit.mjs). A question begins after its requests came, so
 *  that a key which was revoked before opens nothing. */
export function openProjectDoor(deps: { readonly db: Queryable; readonly masterKey: Buffer }): ProjectDoor {
  const line = { atOnce: limits.keyStatements, most: limits.keyBatch, waiting: limits.gatheredCalls, waitMs: limits.databaseAwayMs };
  const selectKey = gather((hashes: readonly Buffer[]) => selectLiveKeys(deps.db, hashes), line);
  return {
    findByKey: async (apiKey) => openFoundKey(deps, apiKey, await selectKey(hashKey(apiKey))),
    useNonce: (use) => insertNonce(deps.db, use),
  };
}
