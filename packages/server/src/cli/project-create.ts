// atelier project create: makes a project and prints its credentials, once.

import type { Config } from "../config.ts";
import { selectProjectsCalled } from "../db/queries/project-access.ts";
import type { ProjectAuth } from "../db/queries/projects.ts";
import type { Log } from "../log.ts";
import { OperatorError } from "../operator-error.ts";
import { createProject } from "../projects/create-project.ts";
import type { CreatedProject } from "../projects/create-project.ts";
import { cliActor } from "./actor.ts";
import { withDatabase } from "./with-database.ts";

export async function projectCreate(
  deps: { config: Config; log: Log },
  options: { name: string; auth: ProjectAuth },
): Promise<CreatedProject> {
  return withDatabase(deps, async (lent) => {
    const [taken] = await selectProjectsCalled(lent.db, { id: null, name: options.name });
    if (taken) throw nameTaken(options.name, taken.id);
    return createProject({ ...lent, actor: cliActor() }, options);
  });
}

/** Two of one name could be told apart by their ids alone, and a repeated command is usually a mistake. */
function nameTaken(name: string, id: string): OperatorError {
  const call = JSON.stringify(name);
  return new OperatorError("COMMAND_FAILED", {
    problem: `There is already a project ${call} (id ${id}).`,
    remedy: `Give another name, or make a further key for it: atelier key create ${call}.`,
  });
}

/** For people; `--json` prints the project itself. */
export function describeProject(project: CreatedProject): string {
  const secret = project.apisecret === null ? [] : [`export YOUR_API_SECRET="${project.apisecret}"`];
  return [
    `project ${project.projectid} (${project.name}); the credentials are shown only now:`,
    `export YOUR_API_KEY="${project.apikey}"`,
    ...secret,
  ].join("\n");
}
