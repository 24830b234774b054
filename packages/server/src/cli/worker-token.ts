// atelier worker-token create | list | revoke: who may work for a server from another machine.

import type { Command } from "commander";

import type { WorkerTokenRow } from "../db/queries/worker-tokens.ts";
import { createWorkerToken, listWorkerTokens, revokeWorkerToken } from "../projects/worker-tokens.ts";
import type { CommandParts } from "./webhook.ts";
import { withDatabase } from "./with-database.ts";

interface CommonOptions {
  readonly json?: true;
  readonly data?: string;
}

export function addWorkerToken(program: Command, { dataOption, depsOf }: CommandParts): void {
  const token = program.command("worker-token").description("tokens of workers on other machines");
  token
    .command("create <name>")
    .description("make a token and print it, once")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (name: string, options: CommonOptions) => {
      const created = await withDatabase(depsOf(options), (lent) => createWorkerToken(lent, name));
      print(options.json ? JSON.stringify(created) : `${created.token}\n\nIt is shown only now. On the other machine:\n  ATELIER_WORKER_TOKEN=... npx atelier worker --server URL`);
    });
  token
    .command("list")
    .description("show the tokens: names, when they were made and last used, and whether they work")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (options: CommonOptions) => {
      const tokens = await withDatabase(depsOf(options), (lent) => listWorkerTokens(lent));
      print(options.json ? JSON.stringify(tokens) : describeTokens(tokens));
    });
  token
    .command("revoke <name>")
    .description("refuse the token from now on; tasks of its workers go to others when their leases run out")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (name: string, options: CommonOptions) => {
      await withDatabase(depsOf(options), (lent) => revokeWorkerToken(lent, name));
      print(options.json ? JSON.stringify({ name, revoked: true }) : `the token ${name} is revoked`);
    });
}

export function describeTokens(tokens: readonly WorkerTokenRow[]): string {
  if (tokens.length === 0) return "no worker tokens";
  const widest = Math.max(...tokens.map(({ name }) => name.length));
  return tokens
    .map(({ name, createdAt, lastUsedAt, revokedAt }) => {
      const use = lastUsedAt ? `last used ${lastUsedAt.toISOString()}` : "never used";
      const state = revokedAt ? `revoked ${revokedAt.toISOString()}` : use;
      return `${name.padEnd(widest)}  made ${createdAt.toISOString()}  ${state}`;
    })
    .join("\n");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
