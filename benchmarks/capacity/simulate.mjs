// A thousand GPU workers and a hundred servers on one PostgreSQL, simulated with the costs that calibrate.mjs measured:
// where it breaks, and what moves that point.
// node benchmarks/capacity/simulate.mjs [--workers 1000] [--servers 100] [--cores 16] [--steps 30] [--projects 200] [--write]

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { announcePauseMs } from "@atelier/server/db/announcer";

import { writeReport } from "../flux/measure.mjs";
import { percentile } from "../queue/percentiles.mjs";
import { DatabaseModel } from "./database-model.mjs";
import { Clock } from "./event-queue.mjs";
import { seededRandom } from "./seeded-random.mjs";
import { ServerModel } from "./server-model.mjs";

const { values } = parseArgs({
  options: {
    workers: { type: "string", default: "1000" },
    servers: { type: "string", default: "100" },
    cores: { type: "string", default: "16" },
    steps: { type: "string", default: "30" },
    projects: { type: "string", default: "200" },
    write: { type: "boolean", default: false },
  },
});
const size = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
const calibration = JSON.parse(readFileSync(join(import.meta.dirname, "calibration.json"), "utf8"));
const costs = { listener: calibration.databaseMsPerListener / 1_000 };
for (const [kind, { fixedMs, perTaskMs }] of Object.entries(calibration.statements)) costs[kind] = { fixed: fixedMs / 1_000, perTask: perTaskMs / 1_000 };

const utilisation = 0.9;
const heartbeatSeconds = 1;
const claimPollSeconds = 1;
/** What is looked at after the workers have become busy: so many tasks, and so long at least. */
const [observedTasks, observedSeconds] = [2_000, 4];
const brokenStartSeconds = 1;

/** Each worker draws a picture in `pictureSeconds`; tasks come as fast as nine tenths of the workers can draw. Workers, servers and
 *  projects are divided among `partitions` databases. */
function simulate({ pictureSeconds, partitions = 1, progressPerSecond = 30, servers = size.servers, syncMs = calibration.syncMs, pauseMs }) {
  const clock = new Clock();
  const random = seededRandom(1);
  const seen = { starts: [], finished: 0, isWarm: false };
  const shards = Array.from({ length: partitions }, () => openShard(clock, { servers: Math.ceil(servers / partitions), syncMs, pauseMs }));
  const wanted = (size.workers * utilisation) / pictureSeconds;
  const submit = () => {
    const shard = shards[random.below(partitions)];
    const reports = Math.min(size.steps, Math.ceil(pictureSeconds * progressPerSecond));
    const task = { bornAt: clock.now, project: random.below(size.projects), follower: random.below(shard.size) };
    task.start = (server) => draw(clock, { task, server, seen, reports, pictureSeconds });
    shard.servers[random.below(shard.size)].submit(task);
    clock.after(random.exponential(1 / wanted), submit);
  };
  for (const shard of shards) keepAlive(clock, shard, { workers: Math.floor(size.workers / partitions), random });
  submit();
  const warmUpSeconds = 2 * pictureSeconds + 1;
  clock.runUntil(warmUpSeconds);
  seen.isWarm = true;
  for (const { database } of shards) database.load();
  const seconds = Math.max(observedTasks / wanted, observedSeconds);
  clock.runUntil(warmUpSeconds + seconds);
  const load = Math.max(...shards.map(({ database }) => database.load()));
  return { wanted, finished: seen.finished / seconds, startP50: percentile(seen.starts, 0.5), startP99: percentile(seen.starts, 0.99), load };
}

/** A database, the tasks that wait there, and the servers that share it. */
function openShard(clock, { servers, syncMs, pauseMs = announcePauseMs(servers) }) {
  const database = new DatabaseModel(clock, { cores: size.cores, syncSeconds: syncMs / 1_000 });
  const shard = { clock, database, announcePause: pauseMs / 1_000, size: servers, waiting: [], claiming: new Set() };
  shard.servers = Array.from({ length: servers }, () => new ServerModel(shard, costs));
  // Every server hears of every task that waits; of a task's news the one does something where somebody follows it.
  shard.hear = (heard) => {
    if (heard.includes("queue")) for (const server of shard.servers) server.ring();
    for (const task of heard) if (task !== "queue") shard.servers[task.follower].look(task);
  };
  return shard;
}

/** The workers of a shard have a place each, spread over its servers; each renews its lease by itself, and servers look for tasks even
 *  when nothing was announced. */
function keepAlive(clock, { database, servers }, { workers, random }) {
  const repeat = (everySeconds, action) => {
    const again = () => (action(), clock.after(everySeconds, again));
    clock.after((everySeconds * random.below(1_000)) / 1_000, again);
  };
  for (let worker = 0; worker < workers; worker += 1) {
    servers[worker % servers.length].free();
    repeat(heartbeatSeconds, () => database.run({ seconds: costs.heartbeat.fixed + costs.heartbeat.perTask, done: () => undefined }));
  }
  for (const server of servers) repeat(claimPollSeconds, () => server.ring());
}

/** The engine does not wait for its reports. */
function draw(clock, { task, server, seen, reports, pictureSeconds }) {
  if (seen.isWarm) seen.starts.push(clock.now - task.bornAt);
  server.move(task);
  for (let report = 1; report <= reports; report += 1) clock.after((pictureSeconds * report) / (reports + 1), () => server.move(task));
  clock.after(pictureSeconds, () =>
    server.finish(task, () => {
      if (seen.isWarm) seen.finished += 1;
      server.free();
    }),
  );
}

const isBroken = (result) => result.startP99 === undefined || result.startP99 > brokenStartSeconds || result.finished < result.wanted * 0.9;

/** The shortest picture time, hence the highest rate, that still holds. */
function breakingPoint(more) {
  let [broken, holds] = [0.1, 16];
  while (holds / broken > 1.1) {
    const pictureSeconds = Math.sqrt(holds * broken);
    if (isBroken(simulate({ pictureSeconds, ...more }))) broken = pictureSeconds;
    else holds = pictureSeconds;
  }
  return { pictureSeconds: holds, result: simulate({ pictureSeconds: holds, ...more }) };
}

const variants = [1, 2, 4, 8].flatMap((partitions) => [
  [`${partitions} PostgreSQL, every step reported`, { partitions }],
  [`${partitions} PostgreSQL, at most 2 reports a second`, { partitions, progressPerSecond: 2 }],
]);
variants.push(
  [`1 PostgreSQL, ${size.servers / 10} servers instead of ${size.servers}`, { servers: size.servers / 10 }],
  ["1 PostgreSQL, announcements 5 ms apart whatever the number of servers", { pauseMs: 5 }],
  ["1 PostgreSQL, a commit on disk in 0.2 ms", { syncMs: 0.2 }],
);
const rows = [];
for (const [what, more] of variants) {
  const { pictureSeconds, result } = breakingPoint(more);
  const start = `start p50 ${(result.startP50 * 1_000).toFixed(0)}, p99 ${(result.startP99 * 1_000).toFixed(0)} ms`;
  rows.push([what, `${Math.round(result.finished)} pictures/s (${pictureSeconds.toFixed(2)} s each), ${start}, cores ${Math.round(result.load * 100)} % busy`, "-"]);
  console.log(rows.at(-1).slice(0, 2).join(": "));
}
if (values.write) {
  writeReport("capacity", `${size.workers} workers, ${size.servers} servers, PostgreSQL of ${size.cores} cores: where it breaks`, {
    command: "node benchmarks/capacity/simulate.mjs --write",
    rows,
    notes: [
      `Calibrated on ${calibration.processor}, ${calibration.date}, commit ${calibration.commit}: a commit reaches the disk in ${calibration.syncMs} ms; a claim of one task takes`,
      `${calibration.statements.claim.aloneMs} ms of PostgreSQL's processor, progress of one task ${calibration.statements.progress.aloneMs} ms, each further task of its statement ${calibration.statements.progress.perTaskMs} ms, and every server that hears`,
      `an announcement ${calibration.databaseMsPerListener} ms. Measured claims a second: ${calibration.claimsPerSecond.oneAsker} by one asker, ${calibration.claimsPerSecond.manyAskers} by sixteen: they wait for each other's commit.`,
      "",
      "A simulation, not a measurement. `calibration.json` says what the statements cost PostgreSQL, for a task that comes alone and for each that",
      "shares a statement (`node benchmarks/capacity/calibrate.mjs --write`), on its machine and commit; how many share one comes out of",
      "the simulation. Broken means: a tenth of the tasks not finished in time, or a start later than a second (p99).",
    ],
  });
}
