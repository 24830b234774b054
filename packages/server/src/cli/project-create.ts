// atelier project create: makes a project and prints its credentials, once.

import { Option } from "commander";
import type { Command } from "commander";

import type { Config } from "../config.ts";
import type { ProjectAuth } from "../db/queries/projects.ts";
import type { Log } from "../log.ts";
import { createNamedProject } from "../projects/create-project.ts";
import type { CreatedProject } from "../projects/create-project.ts";
import { expectProjectName } from "../projects/project-name.ts";
import { cliActor } from "./actor.ts";
import type { CommandParts } from "./webhook.ts";
import { withNewDatabase } from "./with-database.ts";

/** Adds it to the `project` command. */
export function addProjectCreate(project: Command, { dataOption, depsOf }: CommandParts): void {
  project
    .command("create <name>")
    .description("make a project and print its credentials")
    .addOption(new Option("--auth <method>", "how its clients prove who they are").choices(["signature", "key"]).default("signature"))
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (name: string, options: { auth: ProjectAuth; json?: true; data?: string }) => {
      const deps = depsOf(options);
      const created = await projectCreate(deps, { name, auth: options.auth });
      process.stdout.write(`${options.json ? JSON.stringify(created) : describeProject(created, deps.config.dataDir)}\n`);
    });
}

export async function projectCreate(
  deps: { config: Config; log: Log },
  options: { name: string; auth: ProjectAuth },
): Promise<CreatedProject> {
  // Before a data folder is made for it.
  expectProjectName(options.name);
  return withNewDatabase(deps, (lent) => createNamedProject({ ...lent, actor: cliActor() }, options));
}

/** For people; `--json` prints the project itself. `folder`: the data folder that it is on, which need not be the one of the server
 *  that they think of. */
function describeProject(project: CreatedProject, folder: string): string {
  const secret = project.apisecret === null ? [] : [`export YOUR_API_SECRET="${project.apisecret}"`];
  return [
    `project ${project.projectid} (${project.name}) on the data folder ${folder}; the credentials are shown only now:`,
    `export YOUR_API_KEY="${project.apikey}"`,
    ...secret,
  ].join("\n");
}
