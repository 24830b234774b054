// atelier project create: makes a project and prints its credentials, once.

import type { Config } from "../config.ts";
import type { ProjectAuth } from "../db/queries/projects.ts";
import type { Log } from "../log.ts";
import { createNamedProject } from "../projects/create-project.ts";
import type { CreatedProject } from "../projects/create-project.ts";
import { cliActor } from "./actor.ts";
import { withNewDatabase } from "./with-database.ts";

export async function projectCreate(
  deps: { config: Config; log: Log },
  options: { name: string; auth: ProjectAuth },
): Promise<CreatedProject> {
  return withNewDatabase(deps, (lent) => createNamedProject({ ...lent, actor: cliActor() }, options));
}

/** For people; `--json` prints the project itself. `folder`: the data folder that it is on, which need not be the one of the server
 *  that they think of. */
export function describeProject(project: CreatedProject, folder: string): string {
  const secret = project.apisecret === null ? [] : [`export YOUR_API_SECRET="${project.apisecret}"`];
  return [
    `project ${project.projectid} (${project.name}) on the data folder ${folder}; the credentials are shown only now:`,
    `export YOUR_API_KEY="${project.apikey}"`,
    ...secret,
  ].join("\n");
}
