// Statements on the nonces of requests with signature v2: each is good for one request, on whichever server it arrives.

import type { Queryable } from "../queryable.ts";

export interface NonceUse {
  readonly keyId: string;
  readonly nonce: string;
  /** Unix seconds that the request was signed with. */
  readonly signedAt: number;
  readonly windowSeconds: number;
}

/** Writes the nonce down. `isTimely`: the request was signed within the window around the database's clock, the only one
 *  that all servers share. `isNew`: it was not seen before; false as well when it came too late or too early. */
export async function insertNonce(db: Queryable, use: NonceUse): Promise<{ isTimely: boolean; isNew: boolean }> {
  const { rows } = await db.query<{ isTimely: boolean; isNew: boolean }>(
    `with request as (
       select to_timestamp($3::double precision) as signed_at, $4 * interval '1 second' as width
     ), timely as (
       select signed_at + width as expires_at from request
        where signed_at between now() - width and now() + width
     ), stored as (
       insert into request_nonces (key_id, nonce, expires_at) select $1, $2, expires_at from timely
       on conflict (key_id, nonce) do nothing
       returning 1
     )
     select exists (select from timely) as "isTimely", exists (select from stored) as "isNew"`,
    [use.keyId, use.nonce, use.signedAt, use.windowSeconds],
  );
  return rows[0] ?? { isTimely: false, isNew: false };
}

/** Deletes nonces whose requests would be refused for their age: at most `rows`, so that no pass is long. Returns how many. */
export async function deleteExpiredNonces(db: Queryable, rows: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from request_nonces where (key_id, nonce) in (
       select key_id, nonce from request_nonces where expires_at < now() order by expires_at limit $1 for update skip locked)`,
    [rows],
  );
  return rowCount ?? 0;
}
