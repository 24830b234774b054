// Finds the project behind an api key.

import { selectLiveKeys } from "../db/queries/api-keys.ts";
import type { KeyWithProject, SignatureV2 } from "../db/queries/api-keys.ts";
import type { ProjectRow } from "../db/queries/projects.ts";
import type { Queryable } from "../db/queryable.ts";
import { drawCredential, hashKey } from "./credential.ts";
import { sealLabel } from "./keys.ts";
import { openSecret, sealSecret } from "./seal-secret.ts";

export type Project = ProjectRow;

/** What a live key opens, and under which conditions. */
export interface FoundKey {
  readonly project: Project;
  readonly keyId: string;
  /** Those that sign for the key: the current one, and while it rotates the one before. None for key-only projects. */
  readonly secrets: readonly string[];
  readonly signatureV2: SignatureV2;
  /** Networks in CIDR notation; empty: any. */
  readonly allowedAddresses: readonly string[];
}

/** Undefined for a key that is unknown, revoked or expired; that takes as long as to find one. */
export async function findProjectByKey(
  deps: { db: Queryable; masterKey: Buffer },
  apiKey: string,
): Promise<FoundKey | undefined> {
  const [row] = await selectLiveKeys(deps.db, [hashKey(apiKey)]);
  return openFoundKey(deps, apiKey, row);
}

/** What a row of the database opens with its key; takes as long where there is none. */
export function openFoundKey(
  { masterKey }: { masterKey: Buffer },
  apiKey: string,
  row: KeyWithProject | undefined,
): FoundKey | undefined {
  const secrets = openSecrets(masterKey, apiKey, row);
  if (!row) return undefined;
  const { keyId, signatureV2, allowedAddresses, id, uuid, name, auth } = row;
  return { project: { id, uuid, name, auth }, keyId, secrets, signatureV2, allowedAddresses };
}

/** Opens two seals, a decoy in place of each that is missing. */
function openSecrets(masterKey: Buffer, apiKey: string, row: KeyWithProject | undefined): string[] {
  const seals = [row?.secretSealed, row?.previousSecretSealed];
  const opened = seals.map((sealed) => (sealed ? openKeySecret(masterKey, apiKey, sealed) : openDecoy(masterKey)));
  return opened.filter((_secret, at) => seals[at]);
}

const decoyLabel = "api-key/decoy";
const decoys = new WeakMap<Buffer, Buffer>();

function openDecoy(masterKey: Buffer): string {
  const decoy = decoys.get(masterKey) ?? sealSecret(masterKey, decoyLabel, drawCredential());
  decoys.set(masterKey, decoy);
  return openSecret(masterKey, decoyLabel, decoy);
}

/** Seals of the first version of the schema are bound to the key itself. */
function openKeySecret(masterKey: Buffer, apiKey: string, sealed: Buffer): string {
  try {
    return openSecret(masterKey, sealLabel(hashKey(apiKey)), sealed);
  } catch {
    return openSecret(masterKey, apiKey, sealed);
  }
}
