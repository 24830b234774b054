// The secrets with which a project's callbacks are signed: drawn when first needed, sealed in the database, two at most.

import { randomUUID } from "node:crypto";

import type { Database } from "../db/database.ts";
import type { Queryable } from "../db/queryable.ts";
import {
  deletePreviousWebhookSecret,
  insertCurrentWebhookSecret,
  lockProject,
  makeWebhookSecretPrevious,
  selectWebhookSecrets,
} from "../db/queries/webhook-secrets.ts";
import type { SealedWebhookSecret } from "../db/queries/webhook-secrets.ts";
import { openSecret, sealSecret } from "../projects/seal-secret.ts";
import { drawWebhookSecret } from "./sign.ts";

interface SecretDeps {
  readonly db: Queryable;
  readonly masterKey: Buffer;
}

/** The project's live secrets (`whsec_…`), the current one first; draws one when there is none. Empty when there
 *  is no such project. Throws MASTER_KEY_INVALID when they were sealed under another master key. */
export async function liveWebhookSecrets(deps: SecretDeps, projectId: string): Promise<string[]> {
  let sealed = await selectWebhookSecrets(deps.db, projectId);
  if (sealed.length === 0) {
    await insertCurrentWebhookSecret(deps.db, projectId, drawSealed(deps.masterKey).sealed);
    sealed = await selectWebhookSecrets(deps.db, projectId);
  }
  return sealed.map((secret) => openSecret(deps.masterKey, sealLabel(secret.id), secret.sealed));
}

/** Draws a new current secret. The one before it signs too until the next rotation; the one before that ends now.
 *  Returns the new secret, or undefined when there is no such project. */
export async function rotateWebhookSecret(
  deps: { readonly db: Pick<Database, "transaction">; readonly masterKey: Buffer },
  projectId: string,
): Promise<string | undefined> {
  const { secret, sealed } = drawSealed(deps.masterKey);
  return deps.db.transaction(async (tx) => {
    if (!(await lockProject(tx, projectId))) return undefined;
    await deletePreviousWebhookSecret(tx, projectId);
    await makeWebhookSecretPrevious(tx, projectId);
    await insertCurrentWebhookSecret(tx, projectId, sealed);
    return secret;
  });
}

function drawSealed(masterKey: Buffer): { secret: string; sealed: SealedWebhookSecret } {
  const id = randomUUID();
  const secret = drawWebhookSecret();
  return { secret, sealed: { id, sealed: sealSecret(masterKey, sealLabel(id), secret) } };
}

/** Never an api key, so that neither kind of seal opens as the other. */
function sealLabel(id: string): string {
  return `webhook-secret/${id}`;
}
