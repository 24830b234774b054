// The command line: what each command takes, and how its failures look.

import { Command, Option } from "commander";

import { readConfig } from "../config.ts";
import type { Config } from "../config.ts";
import { openLog } from "../log.ts";
import type { Log } from "../log.ts";
import { OperatorError } from "../operator-error.ts";
import { addBackup } from "./backup.ts";
import { demo } from "./demo.ts";
import { describeFindings } from "./doctor/check.ts";
import { examine } from "./doctor/doctor.ts";
import { endOnSecondSignal, interruptedCode, isInterruption } from "./interruption.ts";
import { addKeyCommands } from "./key.ts";
import { addMcp } from "./mcp.ts";
import { addProjectAccess, addProjectList } from "./project-access.ts";
import { addModelCommands } from "./model.ts";
import { addProjectCreate } from "./project-create.ts";
import { addProjectLimits, addProjectShow } from "./project-limits.ts";
import { addPrune } from "./prune.ts";
import { runCommand } from "./run-command.ts";
import type { RunCommandOptions } from "./run-command.ts";
import { serve } from "./serve.ts";
import { addWebhook } from "./webhook.ts";
import type { CommandParts } from "./webhook.ts";
import { addWorker } from "./worker.ts";
import { addWorkerToken } from "./worker-token.ts";
import { withDatabase } from "./with-database.ts";

/** Runs one command. `args`: what follows the program's name; `signal`: aborted when the user wants it to end, maybe
 *  before it began. Resolves with the exit code; prints failures itself. */
export async function main(args: readonly string[], options: { signal?: AbortSignal } = {}): Promise<number> {
  let exitCode = 0;
  const signal = options.signal ?? new AbortController().signal;
  const program = buildProgram({
    signal,
    exitWith: (code) => {
      exitCode = code;
    },
  });
  let takesItsTime = false;
  program.hook("preAction", (_program, command) => {
    takesItsTime = endingThemselves.includes(command.name());
    if (!takesItsTime) endOnSecondSignal(signal);
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return signal.aborted && !takesItsTime ? interruptedCode : exitCode;
  } catch (error) {
    if (isInterruption(error, signal)) {
      process.stderr.write("stopped\n");
      return interruptedCode;
    }
    process.stderr.write(`${describeFailure(error)}\n`);
    return 1;
  }
}

/** Commands that make of the first signal, and of those after it, what is right for them. All others have nothing to lose. */
const endingThemselves: readonly string[] = ["serve", "worker", "demo", "run", "mcp", "backup", "restore"];

export interface CommandContext {
  readonly signal: AbortSignal;
  readonly exitWith: (code: number) => void;
}

function buildProgram(context: CommandContext): Command {
  const program = new Command("atelier")
    .description("Self-hosted server for image models that speaks the Wiro wire protocol")
    .version(readConfig({}, {}).version, "-v, --version")
    .showHelpAfterError("(--help shows what can be given)");
  const parts: CommandParts = { dataOption, depsOf: (options) => ({ ...commandDeps(readConfig(options)), signal: context.signal }) };
  addServe(program, context);
  addWorker(program, context);
  addWorkerToken(program, parts);
  addMigrate(program, parts);
  addProject(program, parts);
  addKeyCommands(program, parts);
  addModelCommands(program, parts);
  addWebhook(program, parts);
  addRun(program, parts, context);
  addPrune(program, parts);
  addBackup(program, parts);
  addMcp(program, parts, context.signal);
  addDoctor(program, context);
  addDemo(program, context);
  return program;
}

function addServe(program: Command, { signal, exitWith }: CommandContext): void {
  program
    .command("serve")
    .description("run the server: API, worker and, unless DATABASE_URL is set, its own PostgreSQL")
    .option("--port <port>", "port to listen on, 0 for any free one (ATELIER_PORT, default 8420)")
    .option("--host <host>", "address to listen on (ATELIER_HOST, default 127.0.0.1)")
    .option("--no-worker", "run no tasks here: `atelier worker` on other machines does (ATELIER_WORKERS=0)")
    .addOption(dataOption())
    .action(async (options: { port?: string; host?: string; data?: string; worker: boolean }) => {
      exitWith(await serve(readConfig({ ...options, workers: options.worker ? undefined : "0" }), signal));
    });
}

function addMigrate(program: Command, { depsOf }: CommandParts): void {
  program
    .command("migrate")
    .description("bring the database to the schema of this version (serve does it, too)")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (options: { json?: true; data?: string }) => {
      const { rows } = await withDatabase(depsOf(options), ({ db }) =>
        db.query<{ version: number }>("select max(version) as version from schema_migrations"),
      );
      const schemaVersion = rows[0]?.version;
      const done = `the database has schema version ${schemaVersion}`;
      process.stdout.write(`${options.json ? JSON.stringify({ schemaVersion }) : done}\n`);
    });
}

function addProject(program: Command, parts: CommandParts): void {
  const project = program.command("project").description("projects: who they are, and how their clients come in");
  addProjectCreate(project, parts);
  addProjectList(project, parts);
  addProjectShow(project, parts);
  addProjectAccess(project, parts);
  addProjectLimits(project, parts);
}

function addRun(program: Command, { depsOf }: CommandParts, { exitWith }: CommandContext): void {
  program
    .command("run <owner/model> [key=value...]")
    .description("run a model on the server and save its pictures; key=@PATH uploads a file for an input that takes files")
    .option("--output <folder>", "where the pictures go", ".")
    .option("--url <url>", "the server (ATELIER_URL, default: the one on the data folder)")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (model: string, assignments: string[], options: RunCommandOptions & { data?: string }) => {
      exitWith(await runCommand(depsOf(options), { model, assignments }, options));
    });
}

function addDoctor(program: Command, { exitWith }: CommandContext): void {
  program
    .command("doctor")
    .description("check runtime, PostgreSQL, engine, weights, disk, port and data folder")
    .option("--json", "print one line of JSON")
    .option("--port <port>", "the port that the server shall use (ATELIER_PORT, default 8420)")
    .addOption(dataOption())
    .action(async (options: { json?: true; port?: string; data?: string }) => {
      const findings = await examine(commandDeps(readConfig(options)));
      process.stdout.write(`${options.json ? JSON.stringify(findings) : describeFindings(findings)}\n`);
      if (findings.some((finding) => finding.status === "failed")) exitWith(1);
    });
}

function addDemo(program: Command, { signal, exitWith }: CommandContext): void {
  program
    .command("demo")
    .description("start the server, draw the first example, show where it is; stays until Ctrl-C")
    .option("--once", "stop when the picture is drawn")
    .option("--port <port>", "port to listen on (default: the first free one from 8420)")
    .addOption(dataOption())
    .action(async (options: { once?: true; port?: string; data?: string }) => {
      exitWith(await demo({ signal }, options));
    });
}

function dataOption(): Option {
  return new Option("--data <folder>", "data folder (ATELIER_DATA, default ./data)");
}

/** Commands other than serve log only what went wrong. */
function commandDeps(config: Config): { config: Config; log: Log } {
  return { config, log: openLog({ level: "warn", pretty: config.logPretty }) };
}

/** What can be mended is told in words; the stack is for what cannot. */
function describeFailure(error: unknown): string {
  if (error instanceof OperatorError) return `error: ${error.problem}\n${error.remedy}`;
  return `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
