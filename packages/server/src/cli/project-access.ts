// atelier project list | auth | signature-v2 | allow | audit: who a project is, and how its clients come in.

import { Argument } from "commander";
import type { Command } from "commander";

import type { SignatureV2 } from "../db/queries/api-keys.ts";
import { selectAuditEvents } from "../db/queries/audit.ts";
import type { AuditRow } from "../db/queries/audit.ts";
import { selectProjects } from "../db/queries/project-access.ts";
import type { ListedProject } from "../db/queries/project-access.ts";
import type { ProjectAuth } from "../db/queries/projects.ts";
import { limits } from "../limits.ts";
import { OperatorError } from "../operator-error.ts";
import { changeAllowedAddresses, changeAuth, changeSignatureV2 } from "../projects/access-settings.ts";
import { findProjectCalled } from "../projects/find-called.ts";
import { cliActor } from "./actor.ts";
import type { CommandParts } from "./webhook.ts";
import { withDatabase } from "./with-database.ts";

interface CommonOptions {
  readonly json?: true;
  readonly data?: string;
}

/** Adds all but `list` to the `project` command. */
export function addProjectAccess(project: Command, parts: CommandParts): void {
  addAuth(project, parts);
  addSignatureV2(project, parts);
  addAllow(project, parts);
  addAudit(project, parts);
}

export function addProjectList(project: Command, { dataOption, depsOf }: CommandParts): void {
  project
    .command("list")
    .description("show all projects")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (options: CommonOptions) => {
      const projects = await withDatabase(depsOf(options), ({ db }) => selectProjects(db));
      print(options.json ? JSON.stringify(projects) : describeProjects(projects));
    });
}

function addAuth(project: Command, { dataOption, depsOf }: CommandParts): void {
  project
    .command("auth <project>")
    .description("change how its clients prove who they are")
    .addArgument(new Argument("<method>").choices(["signature", "key"]))
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (call: string, method: ProjectAuth, options: CommonOptions) => {
      const given = await withDatabase(depsOf(options), async (lent) =>
        changeAuth({ ...lent, actor: cliActor() }, (await findProjectCalled(lent.db, call)).id, method),
      );
      const secrets = given.map((key) => `key ${key.keyid} (${key.hint}): export YOUR_API_SECRET="${key.apisecret}"`);
      const shown = secrets.length === 0 ? [] : ["its keys were given secrets; shown only now:", ...secrets];
      print(options.json ? JSON.stringify(given) : [`clients of ${call} now use: ${method}`, ...shown].join("\n"));
    });
}

function addSignatureV2(project: Command, { dataOption, depsOf }: CommandParts): void {
  project
    .command("signature-v2 <project>")
    .description("whether its clients may, or must, sign method, path, body and time (docs/signature-v2.md)")
    .addArgument(new Argument("<choice>").choices(["off", "allowed", "required"]))
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (call: string, choice: SignatureV2, options: CommonOptions) => {
      const { id, name } = await withDatabase(depsOf(options), async (lent) => {
        const found = await findProjectCalled(lent.db, call);
        await changeSignatureV2({ ...lent, actor: cliActor() }, found.id, choice);
        return found;
      });
      print(options.json ? JSON.stringify({ id, name, signatureV2: choice }) : `signature v2 is now ${choice} for ${call}`);
    });
}

function addAllow(project: Command, { dataOption, depsOf }: CommandParts): void {
  project
    .command("allow <project>")
    .description("from which addresses its keys may be used; an empty list allows all")
    .addArgument(new Argument("<verb>").choices(["add", "remove", "list"]))
    .argument("[network]", "an address or a network: 203.0.113.7, 203.0.113.0/24, 2001:db8::/48")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (call: string, verb: "add" | "remove" | "list", range: string | undefined, options: CommonOptions) => {
      const allowed = await withDatabase(depsOf(options), async (lent) => {
        const { id, allowedAddresses } = await findProjectCalled(lent.db, call);
        if (verb === "list") return allowedAddresses;
        if (range === undefined) throw missingNetwork(verb);
        return changeAllowedAddresses({ ...lent, actor: cliActor() }, id, { verb, range });
      });
      print(options.json ? JSON.stringify(allowed) : allowed.length === 0 ? "every address is allowed" : allowed.join("\n"));
    });
}

function addAudit(project: Command, { dataOption, depsOf }: CommandParts): void {
  project
    .command("audit <project>")
    .description("show what was done to it and its keys, the newest first")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (call: string, options: CommonOptions) => {
      const events = await withDatabase(depsOf(options), async ({ db }) =>
        selectAuditEvents(db, { projectId: (await findProjectCalled(db, call)).id, rows: limits.auditListRows }),
      );
      print(options.json ? JSON.stringify(events) : describeEvents(events));
    });
}

/** One line for each. */
export function describeProjects(projects: readonly ListedProject[]): string {
  if (projects.length === 0) return "no projects; `atelier project create` makes one";
  return projects
    .map(({ id, name, auth, liveKeys, signatureV2, allowedAddresses }) => {
      const keys = `${liveKeys} live ${liveKeys === 1 ? "key" : "keys"}`;
      const from = allowedAddresses.length === 0 ? "any address" : allowedAddresses.join(" ");
      return [id, name, auth, keys, `signature v2 ${signatureV2}`, from].join("  ");
    })
    .join("\n");
}

function describeEvents(events: readonly AuditRow[]): string {
  return events
    .map(({ createdAt, actor, action, details }) => [createdAt.toISOString(), actor, action, JSON.stringify(details)].join("  "))
    .join("\n");
}

function missingNetwork(verb: string): OperatorError {
  return new OperatorError("COMMAND_FAILED", {
    problem: `\`allow ${verb}\` needs an address or a network.`,
    remedy: `Write for example \`atelier project allow NAME ${verb} 203.0.113.0/24\`.`,
  });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
