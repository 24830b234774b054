// Workers, servers and PostgreSQL as events of one clock: how a load of pictures fares on them, at the costs that calibrate.mjs measured.

import { announcePauseMs } from "@atelier/server/db/announcer";
import { limits } from "@atelier/server/limits";

import { percentile } from "../queue/percentiles.mjs";
import { DatabaseModel } from "./database-model.mjs";
import { Clock } from "./event-queue.mjs";
import { seededRandom } from "./seeded-random.mjs";
import { ServerModel } from "./server-model.mjs";

/** What is looked at after the workers have become busy: so many tasks, and so long at least. */
const [observedTasks, observedSeconds] = [2_000, 4];

/** Seconds of PostgreSQL's processor for each kind of statement; `answerSeconds`: that an answer is under way. */
export function costsOf({ statements, databaseMsPerListener, answerMs }) {
  const costs = { listener: databaseMsPerListener / 1_000, answerSeconds: answerMs / 1_000 };
  for (const [kind, { fixedMs, perTaskMs }] of Object.entries(statements)) costs[kind] = { fixed: fixedMs / 1_000, perTask: perTaskMs / 1_000 };
  return costs;
}

/** `shape`: how many `servers`, `workers` of one place and `projects`, PostgreSQL's `cores` and `syncMs`, `pictureSeconds` and `steps` of a
 *  picture, `rate` of pictures a second. `freesPlacesEarly`: as a server's own worker does (worker/worker.ts). Servers, workers and projects
 *  are divided among `partitions` databases. */
export function simulate(shape, costs) {
  const { workers, rate, pictureSeconds, partitions = 1 } = shape;
  const clock = new Clock();
  const random = seededRandom(1);
  const seen = { starts: [], finished: 0, isWarm: false };
  const shards = Array.from({ length: partitions }, () => openShard(clock, shape, costs));
  for (const shard of shards) keepAlive(clock, shard, { workers: Math.floor(workers / partitions), random, costs });
  if (rate > 0) submitForever({ clock, random, shards, seen }, shape);
  const warmUpSeconds = 2 * pictureSeconds + 1;
  clock.runUntil(warmUpSeconds);
  seen.isWarm = true;
  for (const { database } of shards) database.used();
  const seconds = rate > 0 ? Math.max(observedTasks / rate, observedSeconds) : observedSeconds;
  clock.runUntil(warmUpSeconds + seconds);
  return { ...resultOf(seen, seconds), ...usedBy(shards.map(({ database }) => database.used())) };
}

function submitForever({ clock, random, shards, seen }, { rate, projects, steps, pictureSeconds, progressPerSecond = Infinity, freesPlacesEarly = false }) {
  const reports = Math.min(steps, Math.ceil(pictureSeconds * progressPerSecond));
  const submit = () => {
    const shard = shards[random.below(shards.length)];
    const follower = shard.servers[random.below(shard.servers.length)];
    const task = { bornAt: clock.now, project: random.below(projects), follower, written: 0, seen: 0, unsent: 0 };
    task.start = (server, worker) => draw(clock, { task, server, worker, seen, reports, pictureSeconds, freesPlacesEarly });
    shard.servers[random.below(shard.servers.length)].submit(task);
    clock.after(random.exponential(1 / rate), submit);
  };
  submit();
}

/** A database, the tasks that wait there, and the servers that share it. */
function openShard(clock, { partitions = 1, servers: all, cores, syncMs, pauseMs }, costs) {
  const servers = Math.ceil(all / partitions);
  const database = new DatabaseModel(clock, { cores, syncSeconds: syncMs / 1_000, answerSeconds: costs.answerSeconds });
  const announcePause = (pauseMs ?? announcePauseMs(servers)) / 1_000;
  const shard = { clock, database, announcePause, waiting: [], claiming: new Set() };
  shard.servers = Array.from({ length: servers }, () => new ServerModel(shard, costs));
  return shard;
}

/** What servers and workers ask by the clock. The workers of a shard have a place each, spread over its servers. */
function keepAlive(clock, { database, servers }, { workers, random, costs }) {
  const every = (milliseconds, action) => {
    const seconds = milliseconds / 1_000;
    const again = () => (action(), clock.after(seconds, again));
    clock.after((seconds * random.below(1_000)) / 1_000, again);
  };
  const run = (kind, { tasks = 1, statements = 1 } = {}) =>
    database.run({ seconds: costs[kind].fixed + costs[kind].perTask * tasks, statements });
  for (let number = 0; number < workers; number += 1) {
    const [worker, server] = [{ held: 0 }, servers[number % servers.length]];
    server.free(worker);
    every(limits.heartbeatMs, () => worker.held > 0 && run("heartbeat", { tasks: worker.held }));
    every(limits.workerSeenMs, () => worker.held > 0 && run("presence"));
    every(limits.claimWaitMs, () => worker.held === 0 && (run("presence"), server.ring()));
  }
  for (const server of servers) {
    every(limits.claimPollMs, () => server.ring());
    every(limits.rescueMs, () => run("rescue", { statements: 3 }));
    every(limits.deadlineMs, () => run("deadlines", { statements: 2 }));
    every(limits.deliveryPollMs, () => run("delivery"));
  }
}

/** What a worker says of a task before its engine's first step. */
const eventsOfBegin = 4;

/** The engine does not wait for its reports. */
function draw(clock, { task, server, worker, seen, reports, pictureSeconds, freesPlacesEarly }) {
  if (seen.isWarm) seen.starts.push(clock.now - task.bornAt);
  worker.held += 1;
  server.report(task, eventsOfBegin);
  for (let report = 1; report <= reports; report += 1) clock.after((pictureSeconds * report) / (reports + 1), () => server.report(task));
  task.onEnded = () => {
    worker.held -= 1;
    if (seen.isWarm) seen.finished += 1;
    if (!freesPlacesEarly) server.free(worker);
  };
  clock.after(pictureSeconds, () => {
    server.finish(task);
    if (freesPlacesEarly) server.free(worker);
  });
}

function resultOf({ finished, starts }, seconds) {
  return { finished: finished / seconds, startP50: percentile(starts, 0.5), startP99: percentile(starts, 0.99) };
}

/** Of all databases together, a second: their processors' seconds and statements; of the busiest, which part of its cores was used. */
function usedBy(databases) {
  const sum = (part) => databases.reduce((total, used) => total + used[part], 0);
  return { busySeconds: sum("busySeconds"), statements: sum("statements"), load: Math.max(...databases.map(({ load }) => load)) };
}
