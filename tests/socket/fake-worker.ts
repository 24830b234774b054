// A worker with the fake engine, on the database of a server under test.

import { randomUUID } from "node:crypto";
import { join } from "node:path";

import type { Manifest } from "@atelier/schema/manifest";

import type { Database } from "../../packages/server/src/db/database.ts";
import { openEnginePool } from "../../packages/server/src/engines/engine-pool.ts";
import type { RouteContext } from "../../packages/server/src/http/http-deps.ts";
import { openOutbound } from "../../packages/server/src/outbound/outbound.ts";
import { openClaimLine } from "../../packages/server/src/tasks/claim-line.ts";
import { openKillFeed } from "../../packages/server/src/tasks/kill-feed.ts";
import { openLocalTaskSource } from "../../packages/server/src/tasks/local-task-source.ts";
import { openReportLine } from "../../packages/server/src/tasks/report-line.ts";
import { startWorker } from "../../packages/server/src/worker/worker.ts";

const fakeEngine = join(import.meta.dirname, "../../engines/fake/main.mjs");

/** `folder`: that of the models, in which it also keeps its temporary files. */
export async function startFakeWorker(of: { db: Database; context: RouteContext; models: readonly Manifest[]; folder: string; slots: number }): Promise<{ stop(): Promise<void> }> {
  const { db, context, models, folder, slots } = of;
  const { files, events, log } = context;
  const commands = [{ name: "fake", command: process.execPath, args: [fakeEngine] }];
  const [claims, kills] = [await openClaimLine({ db }), await openKillFeed({ db })];
  const worker = startWorker({
    source: openLocalTaskSource({ db, files, claims, kills, previews: events.previews, reports: openReportLine({ db }), listModels: () => [...models] }, randomUUID()),
    log,
    slots,
    drainMs: 300,
    folders: { modelFolders: [folder] },
    outbound: openOutbound(),
    tempFolder: join(folder, "tmp"),
    engines: openEnginePool(commands, { threads: 1 }),
  });
  return {
    async stop() {
      await worker.drain();
      for (const opened of [claims, kills]) opened.close();
    },
  };
}
