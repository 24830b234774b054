// Makes, rotates and revokes the keys of a project.

import type { Database } from "../db/database.ts";
import { expireKey, insertKey, lockKey, replaceKeySecret, revokeKeyRow } from "../db/queries/api-keys.ts";
import type { KeyRow } from "../db/queries/api-keys.ts";
import { insertAuditEvent } from "../db/queries/audit.ts";
import type { ProjectRow } from "../db/queries/projects.ts";
import type { Queryable } from "../db/queryable.ts";
import { drawCredential, hashKey, hintOf } from "./credential.ts";
import { sealSecret } from "./seal-secret.ts";

export interface KeyDeps {
  readonly db: Pick<Database, "transaction">;
  readonly masterKey: Buffer;
  /** Who does it, for the audit log. Default: `server`. */
  readonly actor?: string;
}

/** Inside a transaction. */
export interface KeyChange {
  readonly tx: Queryable;
  readonly masterKey: Buffer;
  readonly actor: string;
}

/** The only moment in which key and secret can be read. Names as on the command line. */
export interface ShownKey {
  readonly keyid: string;
  readonly apikey: string;
  /** Null for key-only projects. */
  readonly apisecret: string | null;
}

export interface KeyOptions {
  readonly label?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

export async function addKey(
  change: KeyChange,
  project: Pick<ProjectRow, "id" | "auth">,
  { label = "", expiresAt }: KeyOptions = {},
): Promise<ShownKey> {
  const apikey = drawCredential();
  const apisecret = project.auth === "signature" ? drawCredential() : null;
  const keyid = await insertKey(change.tx, {
    projectId: project.id,
    keyHash: hashKey(apikey),
    hint: hintOf(apikey),
    label,
    secretSealed: apisecret === null ? null : sealSecret(change.masterKey, sealLabel(hashKey(apikey)), apisecret),
    expiresAt: expiresAt ?? null,
  });
  const details = { keyid, hint: hintOf(apikey), label, expiresAt };
  await insertAuditEvent(change.tx, { projectId: project.id, actor: change.actor, action: "key.created", details });
  return { keyid, apikey, apisecret };
}

export async function createKey(deps: KeyDeps, project: Pick<ProjectRow, "id" | "auth">, options: KeyOptions): Promise<ShownKey> {
  const { masterKey, actor = "server" } = deps;
  return deps.db.transaction((tx) => addKey({ tx, masterKey, actor }, project, options));
}

/** By the id that `key list` shows, or by the whole key. */
export type KeyReference = { readonly id: string } | { readonly apiKey: string };

export interface RotatedKey {
  readonly keyid: string;
  /** The new key of a key-only project. A signature project's key stays, and nobody but its owner knows it: null. */
  readonly apikey: string | null;
  readonly apisecret: string | null;
  /** The key that was given, as far as it may be shown. */
  readonly hint: string;
}

/** Draws a new secret for a key of a signature project, and a new key beside it for a key-only project. The secret or key
 *  that was used before goes on working for `graceMs`; of secrets, the one before that ends now, so that two at most sign.
 *  "missing": there is no such key. "dead": it was revoked or has expired. */
export async function rotateKey(
  deps: KeyDeps,
  reference: KeyReference,
  graceMs: number,
): Promise<RotatedKey | "missing" | "dead"> {
  const { masterKey, actor = "server" } = deps;
  return deps.db.transaction(async (tx) => {
    const key = await lockKey(tx, rowReference(reference));
    if (!key) return "missing";
    if (!key.isLive) return "dead";
    const change = { tx, masterKey, actor };
    const rotated = key.auth === "signature" ? await giveSecret(change, key, graceMs) : await giveKey(change, key, graceMs);
    const details = { keyid: key.id, hint: key.hint, newKeyid: rotated.keyid, graceMs };
    await insertAuditEvent(tx, { projectId: key.projectId, actor, action: "key.rotated", details });
    return rotated;
  });
}

/** A new secret for a locked key. */
export async function giveSecret(change: KeyChange, key: LockedKey, graceMs: number): Promise<RotatedKey> {
  const apisecret = drawCredential();
  const secretSealed = sealSecret(change.masterKey, sealLabel(key.keyHash), apisecret);
  await replaceKeySecret(change.tx, { id: key.id, secretSealed, graceMs });
  return { keyid: key.id, apikey: null, apisecret, hint: key.hint };
}

type LockedKey = KeyRow & { readonly keyHash: Buffer };

async function giveKey(change: KeyChange, key: LockedKey, graceMs: number): Promise<RotatedKey> {
  const expiresAt = key.expiresAt ?? undefined;
  const added = await addKey(change, { id: key.projectId, auth: key.auth }, { label: key.label, expiresAt });
  await expireKey(change.tx, { id: key.id, graceMs });
  return { keyid: added.keyid, apikey: added.apikey, apisecret: null, hint: key.hint };
}

/** Names as on the command line. */
export interface RevokedKey {
  readonly keyid: string;
  readonly revokedat: Date;
  /** False for one that was revoked before. */
  readonly isNew: boolean;
}

/** From now on the key is unknown. May be asked again, which changes nothing. "missing": there is no such key. */
export async function revokeKey(deps: KeyDeps, reference: KeyReference): Promise<RevokedKey | "missing"> {
  const { actor = "server" } = deps;
  return deps.db.transaction(async (tx) => {
    const key = await lockKey(tx, rowReference(reference));
    if (!key) return "missing";
    if (key.revokedAt) return { keyid: key.id, revokedat: key.revokedAt, isNew: false };
    const revokedat = await revokeKeyRow(tx, key.id);
    const details = { keyid: key.id, hint: key.hint, label: key.label };
    await insertAuditEvent(tx, { projectId: key.projectId, actor, action: "key.revoked", details });
    return { keyid: key.id, revokedat, isNew: true };
  });
}

function rowReference(reference: KeyReference): { id: string } | { keyHash: Buffer } {
  return "id" in reference ? { id: reference.id } : { keyHash: hashKey(reference.apiKey) };
}

/** What a key's secrets are bound to. */
export function sealLabel(keyHash: Buffer): string {
  return `api-key/${keyHash.toString("hex")}`;
}
