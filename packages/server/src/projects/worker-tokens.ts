// Tokens by which remote workers prove that they may take this server's tasks.

import { timingSafeEqual } from "node:crypto";

import {
  insertWorkerToken,
  revokeWorkerTokenRow,
  selectWorkerToken,
  selectWorkerTokens,
  touchWorkerToken,
} from "../db/queries/worker-tokens.ts";
import type { WorkerTokenRow } from "../db/queries/worker-tokens.ts";
import type { Queryable } from "../db/queryable.ts";
import { OperatorError } from "../operator-error.ts";
import { drawCredential, hashKey } from "./credential.ts";

interface Deps {
  readonly db: Queryable;
}

/** The only moment in which the token can be read. */
export interface CreatedWorkerToken {
  readonly name: string;
  readonly token: string;
}

/** `atw`, the row's id, and 40 letters and digits: anyone who finds one knows what it is. */
const tokenForm = /^atw_([0-9]{1,18})_([A-Za-z0-9]{40})$/;
const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export async function createWorkerToken(deps: Deps, name: string): Promise<CreatedWorkerToken> {
  if (!nameForm.test(name)) throw refused(`"${name}" cannot be a token's name.`, "Use 1 to 64 letters, digits, dots, hyphens and underscores.");
  const secret = drawCredential();
  const id = await insertWorkerToken(deps.db, { name, secretHash: hashKey(secret) });
  if (id === undefined) throw refused(`There is a worker token named ${name}, or there was one.`, "Choose another name.");
  return { name, token: `atw_${id}_${secret}` };
}

export function listWorkerTokens(deps: Deps): Promise<WorkerTokenRow[]> {
  return selectWorkerTokens(deps.db);
}

/** From now on every request with the token is refused; tasks of its workers are rescued when their leases run out. */
export async function revokeWorkerToken(deps: Deps, name: string): Promise<void> {
  if (await revokeWorkerTokenRow(deps.db, name)) return;
  throw refused(`There is no worker token named ${name}.`, "`atelier worker-token list` shows them.");
}

/** The id of a live token, or undefined for one that is malformed, unknown, wrong or revoked. */
export async function checkWorkerToken(deps: Deps, token: string): Promise<string | undefined> {
  const [, id, secret] = tokenForm.exec(token) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const row = await selectWorkerToken(deps.db, id);
  if (!row || !timingSafeEqual(hashKey(secret), row.secretHash) || row.revokedAt) return undefined;
  if (!row.lastUsedAt || Date.now() - row.lastUsedAt.getTime() > 60_000) await touchWorkerToken(deps.db, id);
  return id;
}

function refused(problem: string, remedy: string): OperatorError {
  return new OperatorError("COMMAND_FAILED", { problem, remedy });
}
