// What authentication asks about projects: whose a key is, and whether a signed request is a new one.

import { insertNonce } from "../db/queries/request-nonces.ts";
import type { NonceUse } from "../db/queries/request-nonces.ts";
import type { Queryable } from "../db/queryable.ts";
import { findProjectByKey } from "./find-project.ts";
import type { FoundKey } from "./find-project.ts";

export interface ProjectDoor {
  /** What a live key opens; undefined when it is unknown, revoked or expired. */
  findByKey(apiKey: string): Promise<FoundKey | undefined>;
  /** Uses a nonce up. `isTimely`: the request was signed within the window; `isNew`: and it is the first with this nonce. */
  useNonce(use: NonceUse): Promise<{ readonly isTimely: boolean; readonly isNew: boolean }>;
}

export function openProjectDoor(deps: { readonly db: Queryable; readonly masterKey: Buffer }): ProjectDoor {
  return {
    findByKey: (apiKey) => findProjectByKey(deps, apiKey),
    useNonce: (use) => insertNonce(deps.db, use),
  };
}
