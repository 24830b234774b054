// Changes how a project's clients come in, and writes down who changed it.

import { readRange } from "../address-range.ts";
import type { SignatureV2 } from "../db/queries/api-keys.ts";
import { lockKey, selectKeys } from "../db/queries/api-keys.ts";
import { insertAuditEvent } from "../db/queries/audit.ts";
import { lockListedProject, updateAllowedAddresses, updateProjectAuth, updateSignatureV2 } from "../db/queries/project-access.ts";
import type { ListedProject } from "../db/queries/project-access.ts";
import type { ProjectAuth } from "../db/queries/projects.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import { OperatorError } from "../operator-error.ts";
import { giveSecret } from "./keys.ts";
import type { KeyDeps, RotatedKey } from "./keys.ts";

/** From now on clients sign, or no longer need to. Keys without a secret are given one: these are returned, and can be read
 *  only now. Secrets are kept where they are no longer needed, so that the way back breaks no client.
 *  Throws COMMAND_FAILED when the project requires signature v2, which needs secrets. */
export async function changeAuth(deps: KeyDeps, projectId: string, auth: ProjectAuth): Promise<RotatedKey[]> {
  return change(deps, projectId, { action: "project.auth_changed", details: { auth } }, async (tx, project) => {
    if (auth === "key" && project.signatureV2 === "required") throw contradiction();
    await updateProjectAuth(tx, projectId, auth);
    const { masterKey, actor = "server" } = deps;
    const given: RotatedKey[] = [];
    for (const { id, hasSecret, isLive } of auth === "key" ? [] : await selectKeys(tx, projectId)) {
      const key = hasSecret || !isLive ? undefined : await lockKey(tx, { id });
      if (key) given.push(await giveSecret({ tx, masterKey, actor }, key, 0));
    }
    return given;
  });
}

/** Throws COMMAND_FAILED when a key-only project shall require signatures. */
export async function changeSignatureV2(deps: KeyDeps, projectId: string, choice: SignatureV2): Promise<void> {
  return change(deps, projectId, { action: "project.signature_v2_changed", details: { choice } }, async (tx, project) => {
    if (choice === "required" && project.auth === "key") throw contradiction();
    await updateSignatureV2(tx, projectId, choice);
  });
}

/** Adds or removes one address or network. Returns the whole list; an empty one allows every address.
 *  Throws COMMAND_FAILED for text that is neither, one that is not in the list, and a list that is full. */
export async function changeAllowedAddresses(
  deps: KeyDeps,
  projectId: string,
  wish: { readonly verb: "add" | "remove"; readonly range: string },
): Promise<readonly string[]> {
  const range = readRange(wish.range);
  if (range === undefined) {
    throw failed(`${JSON.stringify(wish.range)} is no address or network.`, "Write for example 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48.");
  }
  const details = { verb: wish.verb, range };
  return change(deps, projectId, { action: "project.addresses_changed", details }, async (tx, { allowedAddresses }) => {
    const others = allowedAddresses.filter((allowed) => allowed !== range);
    if (wish.verb === "remove" && others.length === allowedAddresses.length) {
      throw failed(`${range} is not in the list.`, "`atelier project allow NAME list` shows it.");
    }
    const next = wish.verb === "add" ? [...others, range] : others;
    if (next.length > limits.allowedAddresses) {
      throw failed(`The list holds ${limits.allowedAddresses} entries at most.`, "Remove some, or join them to larger networks.");
    }
    await updateAllowedAddresses(tx, projectId, next);
    return next;
  });
}

/** One change and its line in the audit log, while no other change of the project is under way. */
async function change<Result>(
  { db, actor = "server" }: KeyDeps,
  projectId: string,
  event: { readonly action: string; readonly details: Readonly<Record<string, unknown>> },
  work: (tx: Queryable, project: ListedProject) => Promise<Result>,
): Promise<Result> {
  return db.transaction(async (tx) => {
    const project = await lockListedProject(tx, projectId);
    if (!project) throw failed(`There is no project ${projectId}.`, "`atelier project list` shows all.");
    const result = await work(tx, project);
    await insertAuditEvent(tx, { projectId, actor, ...event });
    return result;
  });
}

function contradiction(): OperatorError {
  return failed(
    "A project whose clients send only a key cannot require signature v2: there is no secret to sign with.",
    "Use `atelier project auth NAME signature`, or `atelier project signature-v2 NAME allowed`.",
  );
}

function failed(problem: string, remedy: string): OperatorError {
  return new OperatorError("COMMAND_FAILED", { problem, remedy });
}
