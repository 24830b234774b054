// Creates a project with its first key.

import { randomUUID } from "node:crypto";

import { insertAuditEvent } from "../db/queries/audit.ts";
import { insertProject } from "../db/queries/projects.ts";
import type { ProjectAuth } from "../db/queries/projects.ts";
import { addKey } from "./keys.ts";
import type { KeyDeps } from "./keys.ts";

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
  const { name, auth } = options;
  return deps.db.transaction(async (tx) => {
    const projectid = await insertProject(tx, { uuid: randomUUID(), name, auth });
    const { actor = "server" } = deps;
    await insertAuditEvent(tx, { projectId: projectid, actor, action: "project.created", details: { name, auth } });
    const { apikey, apisecret } = await addKey({ tx, masterKey: deps.masterKey, actor }, { id: projectid, auth });
    return { projectid, name, apikey, apisecret };
  });
}
