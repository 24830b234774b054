// Creates a project with its first key.

import { randomUUID } from "node:crypto";

import { insertAuditEvent } from "../db/queries/audit.ts";
import { selectProjectsCalled } from "../db/queries/project-access.ts";
import { insertProject, lockProjectName } from "../db/queries/projects.ts";
import type { ProjectAuth } from "../db/queries/projects.ts";
import { OperatorError } from "../operator-error.ts";
import { addKey } from "./keys.ts";
import type { KeyChange, KeyDeps } from "./keys.ts";

/** The only moment in which key and secret can be read: the database keeps the one as a hash and the other sealed. Names as
 *  on the command line. */
export interface CreatedProject {
  readonly projectid: string;
  readonly name: string;
  readonly apikey: string;
  /** Null for key-only projects. */
  readonly apisecret: string | null;
}

export async function createProject(deps: KeyDeps, options: { name: string; auth: ProjectAuth }): Promise<CreatedProject> {
  return deps.db.transaction((tx) => addProject({ tx, masterKey: deps.masterKey, actor: deps.actor ?? "server" }, options));
}

/** The same, of a name that no project has. Throws COMMAND_FAILED for one that is taken, also by a command at the same time. */
export async function createNamedProject(deps: KeyDeps, options: { name: string; auth: ProjectAuth }): Promise<CreatedProject> {
  return deps.db.transaction(async (tx) => {
    await lockProjectName(tx, options.name);
    const [taken] = await selectProjectsCalled(tx, { id: null, name: options.name });
    if (taken) throw nameTaken(options.name, taken.id);
    return addProject({ tx, masterKey: deps.masterKey, actor: deps.actor ?? "server" }, options);
  });
}

async function addProject(change: KeyChange, { name, auth }: { name: string; auth: ProjectAuth }): Promise<CreatedProject> {
  const { tx, actor } = change;
  const projectid = await insertProject(tx, { uuid: randomUUID(), name, auth });
  await insertAuditEvent(tx, { projectId: projectid, actor, action: "project.created", details: { name, auth } });
  const { apikey, apisecret } = await addKey(change, { id: projectid, auth });
  return { projectid, name, apikey, apisecret };
}

/** Two of one name could be told apart by their ids alone, and a repeated command is usually a mistake. */
function nameTaken(name: string, id: string): OperatorError {
  const call = JSON.stringify(name);
  return new OperatorError("COMMAND_FAILED", {
    problem: `There is already a project ${call} (id ${id}).`,
    remedy: `Give another name, or make a further key for it: atelier key create ${call}.`,
  });
}
