// Finds the task that an earlier request with the same idempotency key created.

import { createHash } from "node:crypto";

import { selectRepeatedRun } from "../db/queries/new-tasks.ts";
import type { Queryable } from "../db/queryable.ts";
import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";

/** A caller's name for one run, and what the run is. */
export interface RunOnce {
  readonly key: string;
  readonly fingerprint: Buffer;
}

/** The task of the key, or undefined when the key was not used in the last `limits.idempotencyKeyMs`.
 *  Throws IDEMPOTENCY_KEY_REUSED when it was used for another request. */
export async function findRepeatedRun(
  deps: { db: Queryable },
  projectId: string,
  once: RunOnce,
): Promise<{ id: string; token: string } | undefined> {
  const found = await selectRepeatedRun(deps.db, { projectId, key: once.key });
  if (!found) return undefined;
  if (!found.fingerprint.equals(once.fingerprint)) throw new AtelierError("IDEMPOTENCY_KEY_REUSED");
  return { id: found.id, token: found.token };
}

/** Reads the header `Idempotency-Key`. `run`: what must be equal in a repetition; the order of its members does not count,
 *  and neither does the encoding in which they came. Undefined when there is no such header.
 *  Throws IDEMPOTENCY_KEY_INVALID. */
export function readRunOnce(header: string | readonly string[] | undefined, run: unknown): RunOnce | undefined {
  if (header === undefined) return undefined;
  const key = typeof header === "string" ? header.trim() : "";
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > limits.idempotencyKeyCharacters) {
    throw new AtelierError("IDEMPOTENCY_KEY_INVALID", { most: limits.idempotencyKeyCharacters });
  }
  return { key, fingerprint: createHash("sha256").update(JSON.stringify(run, sortMembers)).digest() };
}

function sortMembers(_name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
