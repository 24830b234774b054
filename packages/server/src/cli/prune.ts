// atelier prune: removes now what the settings say need not be kept, or says what that would be.

import { join } from "node:path";

import type { Command } from "commander";

import { warnOfUnknownSettings } from "../config/unknown-settings.ts";
import { openFiles } from "../files/open-files.ts";
import { countPruned, prune } from "../maintenance/prune.ts";
import { sweepFiles } from "../maintenance/sweep-files.ts";
import type { CommandParts } from "./webhook.ts";
import { withDatabase } from "./with-database.ts";

export function addPrune(program: Command, { dataOption, depsOf }: CommandParts): void {
  program
    .command("prune")
    .description("remove what is beyond the ATELIER_KEEP_ settings, and files that no task names (serve does it every hour)")
    .option("--dry-run", "remove nothing, only say what would go")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (options: { dryRun?: true; json?: true; data?: string }) => {
      const deps = depsOf(options);
      const { dataDir, s3, retention, unknownSettings } = deps.config;
      warnOfUnknownSettings(deps.log, unknownSettings);
      const dryRun = options.dryRun === true;
      const counts = await withDatabase(deps, async ({ db }) => {
        const files = await openFiles({ folder: join(dataDir, "files"), s3 });
        const pruned = dryRun ? await countPruned({ db, retention }) : await prune({ db, files, retention });
        return { dryRun, ...pruned, ...(await sweepFiles({ db, files }, { dryRun })) };
      });
      process.stdout.write(`${options.json ? JSON.stringify(counts) : describe(counts)}\n`);
    });
}

interface Counts {
  readonly dryRun: boolean;
  readonly uploads: number;
  readonly tasks: number;
  readonly events: number;
  readonly files: number;
  readonly fileBytes: number;
  readonly deliveries: number;
  readonly orphans: number;
  readonly orphanBytes: number;
}

function describe({ dryRun, uploads, tasks, events, files, fileBytes, deliveries, orphans, orphanBytes }: Counts): string {
  const parts = `${tasks} tasks, ${events} events, ${files} files (${fileBytes} bytes), ${deliveries} callbacks, ${uploads} uploads`;
  return `${dryRun ? "would remove" : "removed"} ${parts}, and ${orphans} files that no task names (${orphanBytes} bytes)`;
}
