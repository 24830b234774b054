// Finds out whether a master key is the one of a database, before anything is sealed or answered with a wrong one.

import { selectSealedSecret } from "../db/queries/api-keys.ts";
import type { Queryable } from "../db/queryable.ts";
import { checkSeal } from "./seal-secret.ts";

/** Throws MASTER_KEY_INVALID when the database's secrets were sealed under another key. */
export async function checkMasterKey(deps: { db: Queryable; masterKey: Buffer }): Promise<void> {
  const sealed = await selectSealedSecret(deps.db);
  if (sealed) checkSeal(deps.masterKey, sealed);
}
