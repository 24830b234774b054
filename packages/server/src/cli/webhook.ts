// atelier webhook list | redeliver | secret: a project's callbacks, for whoever runs the server.

import type { Command, Option } from "commander";

import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { OperatorError } from "../operator-error.ts";
import { listDeliveries, redeliver } from "../webhooks/deliveries.ts";
import type { Delivery } from "../webhooks/deliveries.ts";
import { liveWebhookSecrets, rotateWebhookSecret } from "../webhooks/webhook-secret.ts";
import { withDatabase } from "./with-database.ts";

interface CommandDeps {
  readonly config: Config;
  readonly log: Log;
}

/** What the command line gives to its commands. */
export interface CommandParts {
  dataOption(): Option;
  depsOf(options: { data?: string }): CommandDeps;
}

export function addWebhook(program: Command, { dataOption, depsOf }: CommandParts): void {
  const webhook = program.command("webhook").description("callbacks of a project: what was sent, again, and the signing secret");
  webhook
    .command("list <projectid>")
    .description("show the newest callbacks with their tries")
    .option("--before <id>", "only those older than this one")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (projectId: string, options: { before?: string; json?: true; data?: string }) => {
      const page = { projectId: checkId(projectId), beforeId: options.before };
      const deliveries = await withDatabase(depsOf(options), (lent) => listDeliveries(lent, page));
      print(options.json ? JSON.stringify(deliveries) : describeDeliveries(deliveries));
    });
  webhook
    .command("redeliver <projectid> <deliveryid>")
    .description("send a callback again, now, whatever became of it")
    .addOption(dataOption())
    .action(async (projectId: string, deliveryId: string, options: { data?: string }) => {
      const reference = { projectId: checkId(projectId), deliveryId };
      if (!(await withDatabase(depsOf(options), (lent) => redeliver(lent, reference)))) throw missing("delivery");
      print(`delivery ${deliveryId} is due; a running server sends it now, a stopped one when it starts`);
    });
  webhook
    .command("secret <projectid>")
    .description("show the secrets that sign callbacks; the first one is current")
    .option("--rotate", "make a new one; the one before goes on signing until the next time")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (projectId: string, options: { rotate?: true; json?: true; data?: string }) => {
      const id = checkId(projectId);
      const secrets = await withDatabase(depsOf(options), async (lent) => {
        if (options.rotate) await rotateWebhookSecret(lent, id);
        return liveWebhookSecrets(lent, id);
      });
      if (secrets.length === 0) throw missing("project");
      print(options.json ? JSON.stringify(secrets) : secrets.join("\n"));
    });
}

/** One line for each callback, and below it one for each try. */
export function describeDeliveries(deliveries: readonly Delivery[]): string {
  if (deliveries.length === 0) return "no callbacks";
  return deliveries
    .flatMap((delivery) => [
      `${delivery.id}  ${delivery.status.padEnd(9)}  task ${delivery.taskId}  ${printable(delivery.url)}${whenNext(delivery)}`,
      ...delivery.attempts.map((attempt) => {
        const outcome = attempt.errorClass ?? (attempt.durationMs === null ? "no outcome" : "acknowledged");
        const status = attempt.httpStatus === null ? "" : ` (${attempt.httpStatus})`;
        const took = attempt.durationMs === null ? "" : ` after ${attempt.durationMs} ms`;
        return `    try ${attempt.attempt}  ${attempt.startedAt.toISOString()}  ${outcome}${status}${took}`;
      }),
    ])
    .join("\n");
}

/** A URL comes from a caller, and could hold what a terminal would obey. */
function printable(url: string): string {
  return url.replace(/[^\x21-\x7e]+/g, (text) => encodeURIComponent(text));
}

function whenNext({ nextAttemptAt }: Delivery): string {
  return nextAttemptAt === null ? "" : `  next try ${nextAttemptAt.toISOString()}`;
}

function checkId(text: string): string {
  if (/^\d{1,18}$/.test(text)) return text;
  throw missing("project");
}

function missing(what: string): OperatorError {
  return new OperatorError("COMMAND_FAILED", {
    problem: `There is no such ${what}.`,
    remedy: "Project ids are printed by `atelier project create`, delivery ids by `atelier webhook list`.",
  });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
