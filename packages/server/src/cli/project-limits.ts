// atelier project show | limit | budget: how much a project may use, and what it has used.

import { InvalidArgumentError } from "commander";
import type { Command } from "commander";

import type { ProjectUsage } from "../db/queries/project-limits.ts";
import { OperatorError } from "../operator-error.ts";
import { findProjectCalled } from "../projects/find-called.ts";
import { changeBudget, changeTaskLimits, readProjectUsage } from "../projects/task-limits.ts";
import { cliActor } from "./actor.ts";
import type { CommandParts } from "./webhook.ts";
import { withDatabase } from "./with-database.ts";

interface CommonOptions {
  readonly json?: true;
  readonly data?: string;
}

interface LimitOptions extends CommonOptions {
  readonly running?: number | "none";
  readonly waiting?: number | "none";
}

export function addProjectShow(project: Command, { dataOption, depsOf }: CommandParts): void {
  project
    .command("show <project>")
    .description("show a project's tasks, limits and budget")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (call: string, options: CommonOptions) => {
      const usage = await withDatabase(depsOf(options), async ({ db }) =>
        readProjectUsage({ db }, (await findProjectCalled(db, call)).id),
      );
      print(usage, options);
    });
}

/** Adds `limit` and `budget` to the `project` command. */
export function addProjectLimits(project: Command, { dataOption, depsOf }: CommandParts): void {
  project
    .command("limit <project>")
    .description("bound its tasks: those beyond --running wait, and Run refuses when --waiting wait beside them (code 96)")
    .option("--running <number>", "tasks that workers may hold at once, or none", (text) => readLimit(text, 1))
    .option("--waiting <number>", "tasks that may wait beside them, or none", (text) => readLimit(text, 0))
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (call: string, options: LimitOptions) => {
      if (options.running === undefined && options.waiting === undefined) throw nothingToChange();
      const change = { running: limitOf(options.running), waiting: limitOf(options.waiting) };
      const usage = await withDatabase(depsOf(options), async ({ db }) =>
        changeTaskLimits({ db, actor: cliActor() }, (await findProjectCalled(db, call)).id, change),
      );
      print(usage, options);
    });
  project
    .command("budget <project> <amount>")
    .description("bound what its tasks may cost in all, in US dollars, or none; when it is spent Run refuses (code 97)")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (call: string, amount: string, options: CommonOptions) => {
      const budget = readAmount(amount);
      const usage = await withDatabase(depsOf(options), async ({ db }) =>
        changeBudget({ db, actor: cliActor() }, (await findProjectCalled(db, call)).id, budget),
      );
      print(usage, options);
    });
}

/** Not null for none: commander makes empty text of an option whose parser returns null. */
function readLimit(text: string, least: number): number | "none" {
  if (text === "none") return text;
  if (/^\d{1,6}$/.test(text) && Number(text) >= least) return Number(text);
  throw new InvalidArgumentError(`It must be a whole number from ${least} to 999999, or none.`);
}

function limitOf(option: number | "none" | undefined): number | null | undefined {
  return option === "none" ? null : option;
}

function readAmount(text: string): string | null {
  if (text === "none") return null;
  if (/^\d{1,11}(\.\d{1,12})?$/.test(text)) return text;
  throw new OperatorError("COMMAND_FAILED", {
    problem: `${JSON.stringify(text)} is no amount.`,
    remedy: "Write US dollars, as in 25 or 0.50, or none.",
  });
}

/** One fact on each line. */
export function describeUsage(usage: ProjectUsage): string {
  const { running, waiting, budget } = usage;
  return [
    `project ${usage.id} (${usage.name})`,
    `running  ${usage.runningTasks} tasks, limit ${running ?? "none"}`,
    `waiting  ${usage.waitingTasks} tasks, limit ${waiting ?? "none"}`,
    `spent    $${usage.spent} for ${usage.billedTasks} tasks`,
    budget === null ? "budget   none" : `budget   $${budget}, left $${usage.left}`,
  ].join("\n");
}

function print(usage: ProjectUsage, options: CommonOptions): void {
  process.stdout.write(`${options.json ? JSON.stringify(usage) : describeUsage(usage)}\n`);
}

function nothingToChange(): OperatorError {
  return new OperatorError("COMMAND_FAILED", {
    problem: "`project limit` was given no limit.",
    remedy: "Give --running, --waiting, or both: `atelier project limit NAME --running 2 --waiting 100`.",
  });
}
