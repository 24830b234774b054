// atelier webhook list | redeliver | secret: a project's callbacks, for whoever runs the server.

import { InvalidArgumentError } from "commander";
import type { Command, Option } from "commander";

import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { OperatorError } from "../operator-error.ts";
import { findProjectCalled } from "../projects/find-called.ts";
import { isDeliveryId, listDeliveries, redeliver } from "../webhooks/deliveries.ts";
import type { Delivery } from "../webhooks/deliveries.ts";
import { liveWebhookSecrets, rotateWebhookSecret } from "../webhooks/webhook-secret.ts";
import { withDatabase } from "./with-database.ts";

interface CommandDeps {
  readonly config: Config;
  readonly log: Log;
  /** Aborted when the command shall end. */
  readonly signal: AbortSignal;
}

/** What the command line gives to its commands. */
export interface CommandParts {
  dataOption(): Option;
  depsOf(options: { data?: string }): CommandDeps;
}

export function addWebhook(program: Command, { dataOption, depsOf }: CommandParts): void {
  const webhook = program.command("webhook").description("callbacks of a project: what was sent, again, and the signing secret");
  webhook
    .command("list <project>")
    .description("show the newest callbacks with their tries")
    .option("--before <id>", "only those older than this one", readDeliveryId)
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (call: string, options: { before?: string; json?: true; data?: string }) => {
      const deliveries = await withDatabase(depsOf(options), async (lent) => {
        const { id: projectId } = await findProjectCalled(lent.db, call);
        return listDeliveries(lent, { projectId, beforeId: options.before });
      });
      print(options.json ? JSON.stringify(deliveries) : describeDeliveries(deliveries));
    });
  webhook
    .command("redeliver <project> <deliveryid>")
    .description("send a callback again, now, whatever became of it")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (call: string, deliveryId: string, options: { json?: true; data?: string }) => {
      const isDue = await withDatabase(depsOf(options), async (lent) => {
        const { id: projectId } = await findProjectCalled(lent.db, call);
        return redeliver(lent, { projectId, deliveryId });
      });
      if (!isDue) throw missingDelivery(call);
      const done = `delivery ${deliveryId} is due; a running server sends it now, a stopped one when it starts`;
      print(options.json ? JSON.stringify({ id: deliveryId, isDue }) : done);
    });
  webhook
    .command("secret <project>")
    .description("show the secrets that sign callbacks; the first one is current")
    .option("--rotate", "make a new one; the one before goes on signing until the next time")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (call: string, options: { rotate?: true; json?: true; data?: string }) => {
      const secrets = await withDatabase(depsOf(options), async (lent) => {
        const { id } = await findProjectCalled(lent.db, call);
        if (options.rotate) await rotateWebhookSecret(lent, id);
        return liveWebhookSecrets(lent, id);
      });
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

function readDeliveryId(text: string): string {
  if (isDeliveryId(text)) return text;
  throw new InvalidArgumentError("It must be the number that `webhook list` shows before a callback.");
}

function missingDelivery(call: string): OperatorError {
  return new OperatorError("COMMAND_FAILED", {
    problem: "There is no such delivery.",
    remedy: `\`atelier webhook list ${JSON.stringify(call)}\` shows those of the project.`,
  });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
