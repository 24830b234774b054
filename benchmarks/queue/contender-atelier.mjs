// Atelier's own queue: the real worker and the real statements, with an engine that does nothing but report three steps.

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { manifestSchema } from "@atelier/schema/manifest";
import { openDatabase } from "@atelier/server/db/database";
import { migrate } from "@atelier/server/db/migrate";
import { openDiskStore } from "@atelier/server/files/disk-store";
import { openLog } from "@atelier/server/log";
import { createTask } from "@atelier/server/tasks/create-task";
import { openClaimLine } from "@atelier/server/tasks/claim-line";
import { openKillFeed } from "@atelier/server/tasks/kill-feed";
import { openLocalTaskSource } from "@atelier/server/tasks/local-task-source";
import { openNewTaskLine } from "@atelier/server/tasks/new-task-line";
import { openReportLine } from "@atelier/server/tasks/report-line";
import { startWorker } from "@atelier/server/worker/worker";

const manifest = manifestSchema.parse({
  id: "1", owner: "benchmark", slug: "nothing", title: "Nothing", description: "", cover: "", categories: [],
  cps: "0.000585000000", parameters: [], variants: [{ name: "nothing", engine: "nothing", base: "." }],
});
const log = openLog({ level: "silent", pretty: false });
const steps = 3;

export async function openAtelier(address) {
  const db = openDatabase({ log }, address);
  await migrate({ db, log });
  const folder = mkdtempSync(join(tmpdir(), "atelier-queue-"));
  const { rows } = await db.query(
    `insert into projects (uuid, name, auth) values (gen_random_uuid(), 'benchmark', 'key') returning id`,
  );
  const projectId = rows[0].id;
  const lines = [];
  const claims = await openClaimLine({ db });
  const newTasks = openNewTaskLine({ db, workers: claims });
  let worker;
  return {
    name: "atelier",
    async submit(number) {
      const prompt = String(number);
      const input = { prompt, steps, scale: 7.5, seed: 1, width: 64, height: 64, samples: 1 };
      await createTask({ db, newTasks }, { projectId, model: manifest, parameters: { prompt }, input, callbackUrl: "" });
    },
    async work({ concurrency, onStarted }) {
      const kills = await openKillFeed({ db });
      lines.push(claims, kills);
      const files = openDiskStore(join(folder, "files"));
      const source = openLocalTaskSource({ db, files, claims, kills, reports: openReportLine({ db }), listModels: () => [manifest] }, randomUUID());
      const folders = { modelFolders: [folder] };
      worker = startWorker({ source, log, slots: concurrency, engines: engineOfNothing(onStarted), folders, tempFolder: join(folder, "tmp") });
    },
    async isBusy() {
      const { rows: found } = await db.query(
        `select exists (select from tasks where phase = 'waiting' and project_id = $1)
             or exists (select from tasks where phase = 'leased' and project_id = $1) as busy`,
        [projectId],
      );
      return found[0].busy;
    },
    async close() {
      await worker?.drain();
      for (const line of lines) line.close();
      await db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Reports its steps and ends, in the worker's own process. */
function engineOfNothing(onStarted) {
  const engine = {
    name: "nothing",
    isAlive: true,
    async run(message, follower) {
      onStarted(Number(message.input.prompt));
      for (let step = 1; step <= steps; step += 1) {
        follower.onProgress({ type: "progress", runId: message.runId, step, stepTotal: steps, secondsPerStep: 0 });
        await new Promise(setImmediate);
      }
      return { kind: "done", outputs: [], loadCount: 0, elapsedMs: 0 };
    },
  };
  return { names: ["nothing"], withEngine: (_name, use) => use(engine), loaded: () => [], stop: async () => undefined };
}
