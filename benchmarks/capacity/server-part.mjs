// One server as compare.mjs measures it, in a process of its own: the parts of app.ts that ask PostgreSQL, and workers of one place whose
// engine waits instead of drawing. Without HTTP: Runs are made here, as its routes make them. Speaks with its parent over fork's channel.

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { manifestSchema } from "@atelier/schema/manifest";
import { openDatabase } from "@atelier/server/db/database";
import { openEventFeed } from "@atelier/server/events/event-feed";
import { openDiskStore } from "@atelier/server/files/disk-store";
import { openLog } from "@atelier/server/log";
import { startDeadlines } from "@atelier/server/maintenance/deadlines";
import { startKeyPruning } from "@atelier/server/maintenance/prune-keys";
import { startNoncePruning } from "@atelier/server/maintenance/prune-nonces";
import { startRescue } from "@atelier/server/maintenance/rescue";
import { startUploadSweep } from "@atelier/server/maintenance/sweep-uploads";
import { openOutbound } from "@atelier/server/outbound/outbound";
import { openProjectDoor } from "@atelier/server/projects/project-door";
import { openClaimLine } from "@atelier/server/tasks/claim-line";
import { createTask } from "@atelier/server/tasks/create-task";
import { openKillFeed } from "@atelier/server/tasks/kill-feed";
import { openLocalTaskSource } from "@atelier/server/tasks/local-task-source";
import { openNewTaskLine } from "@atelier/server/tasks/new-task-line";
import { openReportLine } from "@atelier/server/tasks/report-line";
import { openWorkerPresence } from "@atelier/server/tasks/worker-presence";
import { startWebhooks } from "@atelier/server/webhooks/start-webhooks";
import { startWorker } from "@atelier/server/worker/worker";
import pg from "pg";

const manifest = manifestSchema.parse({
  id: "1", owner: "benchmark", slug: "nothing", title: "Nothing", description: "", cover: "", categories: [],
  cps: "0.000585000000", parameters: [], variants: [{ name: "nothing", engine: "nothing", base: "." }],
});
const log = openLog({ level: "warn", pretty: false });
const say = (message) => process.send(message);

process.once("message", async (settings) => {
  const server = await openServer(settings);
  process.on("message", ({ kind, ...message }) => server[kind](message));
  process.once("disconnect", () => process.exit(1));
  say({ kind: "ready" });
});

/** `address` of PostgreSQL, `workers` of this server, `servers` of all, `keys` of projects, `masterKey` in hex, and of a picture
 *  `pictureSeconds` and `steps`. What it returns is called by the messages of its parent. */
async function openServer(settings) {
  const folder = mkdtempSync(join(tmpdir(), "atelier-compare-"));
  const masterKey = Buffer.from(settings.masterKey, "hex");
  const db = openDatabase({ log }, settings.address);
  const files = openDiskStore(join(folder, "files"));
  const claims = await openClaimLine({ db });
  const events = openEventFeed({ db, log });
  const shared = { db, files, claims, kills: await openKillFeed({ db }), previews: events.previews, presence: openWorkerPresence({ db }) };
  const tasks = { ...shared, reports: openReportLine({ db }), listModels: () => [manifest] };
  const starts = [];
  const workers = Array.from({ length: settings.workers }, (_, number) => {
    const places = { slots: 1, folders: { modelFolders: [folder] }, tempFolder: join(folder, `worker-${number}`) };
    return startWorker({ source: openLocalTaskSource(tasks, randomUUID()), log, engines: engineThatWaits(settings, starts), ...places });
  });
  const upkeep = [startRescue, startNoncePruning, startDeadlines, startKeyPruning, startUploadSweep].map((start) => start({ db, files, log }));
  upkeep.push(await startWebhooks({ db, outbound: openOutbound(), models: {}, masterKey, publicUrl: "", log }));
  const run = runner(settings, { db, projects: openProjectDoor({ db, masterKey }), newTasks: openNewTaskLine({ db, workers: claims }) });
  let [offering, used, statements] = [new AbortController(), process.cpuUsage(), 0];
  countStatements(() => (statements += 1));
  return {
    offer({ rate }) {
      offering = new AbortController();
      void offer({ run, rate, servers: settings.servers, stop: offering.signal });
    },
    stop: () => offering.abort(),
    follow: ({ taskId }) => void events.follow({ taskId, afterSeq: 0 }, { onEvent: () => undefined }),
    /** Since the last look: how long tasks have waited that started here, the statements that were asked, and milliseconds of this process's
     *  processor. */
    news() {
      const { user, system } = process.cpuUsage(used);
      used = process.cpuUsage();
      say({ kind: "news", starts: starts.splice(0), statements, usedMs: (user + system) / 1_000 });
      statements = 0;
    },
    async close() {
      await Promise.all([...workers.map((worker) => worker.drain()), ...upkeep.map((part) => part.stop())]);
      for (const part of [claims, shared.kills]) part.close();
      events.stop();
      await db.close();
      rmSync(folder, { recursive: true, force: true });
      process.disconnect();
    },
  };
}

/** Of all sessions of this process, whatever part of the server has them. */
function countStatements(onStatement) {
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function counted(...asked) {
    onStatement();
    return query.apply(this, asked);
  };
}

/** Makes a Run as HTTP does: whose key it is, then the task. Its prompt says when it was asked for. */
function runner({ keys, steps }, { db, projects, newTasks }) {
  return async () => {
    const prompt = String(performance.timeOrigin + performance.now());
    const { project } = await projects.findByKey(keys[Math.floor(Math.random() * keys.length)]);
    const input = { prompt, steps, scale: 7.5, seed: 1, width: 64, height: 64, samples: 1 };
    return createTask({ db, newTasks }, { projectId: project.id, model: manifest, parameters: { prompt }, input, callbackUrl: "" });
  };
}

/** Runs at random times, so many a second, whether or not those before were answered. One of the servers follows each. */
async function offer({ run, rate, servers, stop }) {
  let dueAt = performance.now();
  for (;;) {
    dueAt += (-1_000 * Math.log(1 - Math.random())) / rate;
    await delay(Math.max(0, dueAt - performance.now()), undefined, { signal: stop }).catch(() => undefined); // stopped: no further one
    if (stop.aborted) return;
    void run().then(({ id }) => say({ kind: "follow", taskId: id, server: Math.floor(Math.random() * servers) }));
  }
}

/** Reports its steps at their times, in the worker's own process, and writes one file. */
function engineThatWaits({ steps, pictureSeconds }, starts) {
  const engine = {
    name: "nothing",
    isAlive: true,
    async run({ runId, input, outputFolder }, follower) {
      const beganAt = performance.now();
      starts.push(performance.timeOrigin + beganAt - Number(input.prompt));
      const secondsPerStep = pictureSeconds / (steps + 1);
      const until = (seconds) => delay(Math.max(0, beganAt + 1_000 * seconds - performance.now()));
      for (let step = 1; step <= steps; step += 1) {
        await until(step * secondsPerStep);
        follower.onProgress({ type: "progress", runId, step, stepTotal: steps, secondsPerStep });
      }
      await until(pictureSeconds);
      const path = join(outputFolder, "0.png");
      writeFileSync(path, "a picture");
      return { kind: "done", outputs: [{ path, index: 0, contentType: "image/png" }], loadCount: 0, elapsedMs: 0 };
    },
    showPreviews: () => undefined,
  };
  return { names: ["nothing"], withEngine: (_name, use) => use(engine), loaded: () => [], stop: async () => undefined };
}
