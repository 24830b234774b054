// Statements on the keys of projects.

import type { Queryable } from "../queryable.ts";
import type { ProjectRow } from "./projects.ts";

export type SignatureV2 = "off" | "allowed" | "required";

export interface NewKey {
  readonly projectId: string;
  /** SHA-256 of the key, 32 bytes. */
  readonly keyHash: Buffer;
  readonly hint: string;
  readonly label: string;
  /** Null for key-only projects. */
  readonly secretSealed: Buffer | null;
  readonly expiresAt: Date | null;
}

/** Returns the key's id. */
export async function insertKey(db: Queryable, key: NewKey): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `insert into api_keys (project_id, key_hash, hint, label, secret_sealed, expires_at)
     values ($1, $2, $3, $4, $5, $6) returning id`,
    [key.projectId, key.keyHash, key.hint, key.label, key.secretSealed, key.expiresAt],
  );
  const row = rows[0];
  if (!row) throw new Error("insert into api_keys returned no row");
  return row.id;
}

/** A live key as authentication needs it. */
export interface KeyWithProject extends ProjectRow {
  readonly keyId: string;
  readonly secretSealed: Buffer | null;
  /** Null unless there is one that has not expired. */
  readonly previousSecretSealed: Buffer | null;
  readonly signatureV2: SignatureV2;
  /** Networks in CIDR notation; empty: any. */
  readonly allowedAddresses: readonly string[];
}

/** For each hash the key and its project, in the same order; undefined where there is none, or it was revoked or has expired. */
export async function selectLiveKeys(db: Queryable, keyHashes: readonly Buffer[]): Promise<(KeyWithProject | undefined)[]> {
  const asked = keyHashes.map((hash) => hash.toString("hex"));
  const { rows } = await db.query<KeyWithProject & { hash: string }>(liveKeys, [[...new Set(asked)]]);
  const byHash = new Map(rows.map(({ hash, ...key }) => [hash, key]));
  return asked.map((hash) => byHash.get(hash));
}

const liveKeys = { name: "live-keys", text: `
  select a.hash, p.id, p.uuid, p.name, p.auth, p.signature_v2 as "signatureV2",
         p.allowed_addresses::text[] as "allowedAddresses",
         k.id as "keyId", k.secret_sealed as "secretSealed",
         case when k.previous_expires_at > now() then k.previous_secret_sealed end as "previousSecretSealed"
    from unnest($1::text[]) as a (hash)
         join api_keys k on k.key_hash = decode(a.hash, 'hex') join projects p on p.id = k.project_id
   where k.revoked_at is null and (k.expires_at is null or k.expires_at > now())` };

/** A key as its owner sees it: nothing of it authenticates anybody. */
export interface KeyRow {
  readonly id: string;
  readonly projectId: string;
  readonly projectName: string;
  readonly auth: ProjectRow["auth"];
  readonly hint: string;
  readonly label: string;
  readonly hasSecret: boolean;
  readonly createdAt: Date;
  /** Until when the secret before the current one signs too; null when there is none. */
  readonly previousExpiresAt: Date | null;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly isLive: boolean;
}

const keyColumns = `
  k.id, k.project_id as "projectId", p.name as "projectName", p.auth, k.hint, k.label,
  k.secret_sealed is not null as "hasSecret", k.created_at as "createdAt",
  case when k.previous_expires_at > now() then k.previous_expires_at end as "previousExpiresAt",
  k.expires_at as "expiresAt", k.revoked_at as "revokedAt",
  k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) as "isLive"`;

/** All keys of a project, dead ones too, the oldest first. */
export async function selectKeys(db: Queryable, projectId: string): Promise<KeyRow[]> {
  const { rows } = await db.query<KeyRow>(
    `select ${keyColumns} from api_keys k join projects p on p.id = k.project_id where k.project_id = $1 order by k.id`,
    [projectId],
  );
  return rows;
}

/** The key with this id or hash, locked until the transaction ends. */
export async function lockKey(
  tx: Queryable,
  reference: { readonly id: string } | { readonly keyHash: Buffer },
): Promise<(KeyRow & { readonly keyHash: Buffer }) | undefined> {
  const [column, value] = "id" in reference ? ["id", reference.id] : ["key_hash", reference.keyHash];
  const { rows } = await tx.query<KeyRow & { keyHash: Buffer }>(
    `select ${keyColumns}, k.key_hash as "keyHash" from api_keys k join projects p on p.id = k.project_id
      where k.${column} = $1 for update of k`,
    [value],
  );
  return rows[0];
}

/** Makes a secret current. The one that was signs too for `graceMs`; the one before that ends now. */
export async function replaceKeySecret(
  tx: Queryable,
  key: { readonly id: string; readonly secretSealed: Buffer; readonly graceMs: number },
): Promise<void> {
  await tx.query(
    `update api_keys
        set previous_secret_sealed = case when $3 > 0 then secret_sealed end,
            previous_expires_at = case when $3 > 0 and secret_sealed is not null then now() + $3 * interval '1 millisecond' end,
            secret_sealed = $2
      where id = $1`,
    [key.id, key.secretSealed, key.graceMs],
  );
}

/** Ends a key after `graceMs`, or when it would have ended anyway. */
export async function expireKey(tx: Queryable, key: { readonly id: string; readonly graceMs: number }): Promise<void> {
  await tx.query(
    `update api_keys set expires_at = least(expires_at, now() + $2 * interval '1 millisecond') where id = $1`,
    [key.id, key.graceMs],
  );
}

/** Of a locked key. Returns when. */
export async function revokeKeyRow(tx: Queryable, keyId: string): Promise<Date> {
  const { rows } = await tx.query<{ revokedAt: Date }>(
    `update api_keys set revoked_at = now() where id = $1 returning revoked_at as "revokedAt"`,
    [keyId],
  );
  const row = rows[0];
  if (!row) throw new Error("update of api_keys returned no row");
  return row.revokedAt;
}

/** Any one sealed secret of a key, or undefined when there is none. */
export async function selectSealedSecret(db: Queryable): Promise<Buffer | undefined> {
  const { rows } = await db.query<{ sealed: Buffer }>(
    `select secret_sealed as sealed from api_keys where secret_sealed is not null order by id desc limit 1`,
  );
  return rows[0]?.sealed;
}
