// Creates a project with its first key.

import { randomUUID } from "node:crypto";

import { insertAuditEvent } from "../db/queries/audit.ts";
import { selectProjectsCalled } from "../db/queries/project-access.ts";
import type { ListedProject } from "../db/queries/project-access.ts";
import { insertProject, lockProjectName } from "../db/queries/projects.ts";
import type { ProjectAuth } from "../db/queries/projects.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import { OperatorError } from "../operator-error.ts";
import { addKey } from "./keys.ts";
import type { KeyChange, KeyDeps } from "./keys.ts";
import { expectProjectName } from "./project-name.ts";

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

/** The same, of a name that no project has. Throws COMMAND_FAILED for one that is taken, also by a command at the same time, and
 *  for one that no project may have. */
export async function createNamedProject(deps: KeyDeps, options: { name: string; auth: ProjectAuth }): Promise<CreatedProject> {
  expectProjectName(options.name);
  return deps.db.transaction(async (tx) => {
    const holder = await lockNameOrFindHolder(tx, options.name);
    if (holder) throw nameTaken(options.name, holder.id);
    return addProject({ tx, masterKey: deps.masterKey, actor: deps.actor ?? "server" }, options);
  });
}

/** How a caller keeps the credentials of a project that is made for it alone. */
export interface ProjectKeeper<Kept> {
  /** What is kept of a project that is still there. */
  find(tx: Queryable): Promise<Kept | undefined>;
  keep(project: CreatedProject): Promise<Kept>;
}

/** The same, where nobody chose the name: one that is taken gets the first number behind it that is free, as in `local-2`. Made where
 *  `find` finds none: of several callers at the same moment one makes it, and the others find it. It is kept before it is committed:
 *  a crash in between leaves credentials of no project, which are not found, and never a project whose credentials nobody has. */
export async function findOrCreateProject<Kept>(
  deps: KeyDeps,
  { name, auth }: { name: string; auth: ProjectAuth },
  { find, keep }: ProjectKeeper<Kept>,
): Promise<Kept> {
  return deps.db.transaction(async (tx) => {
    await lockProjectName(tx, name);
    const kept = await find(tx);
    if (kept !== undefined) return kept;
    for (let number = 1; number <= limits.projectNameTries; number += 1) {
      const free = number === 1 ? name : `${name}-${number}`;
      if (await lockNameOrFindHolder(tx, free)) continue;
      return keep(await addProject({ tx, masterKey: deps.masterKey, actor: deps.actor ?? "server" }, { name: free, auth }));
    }
    throw namesTaken(name);
  });
}

/** Undefined when the name is free; then nobody else takes it until the transaction ends. */
async function lockNameOrFindHolder(tx: Queryable, name: string): Promise<ListedProject | undefined> {
  await lockProjectName(tx, name);
  const [holder] = await selectProjectsCalled(tx, { id: null, name });
  return holder;
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

function namesTaken(name: string): OperatorError {
  return new OperatorError("COMMAND_FAILED", {
    problem: `There are already projects from ${name} to ${name}-${limits.projectNameTries}.`,
    remedy: "Use the credentials of one of them: set ATELIER_API_KEY and ATELIER_API_SECRET.",
  });
}
