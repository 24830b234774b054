// Real servers on one PostgreSQL under a steady load: what a picture costs the database, and how soon it starts.

import { fork } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { percentile } from "../queue/percentiles.mjs";
import { databaseMs } from "./processor-time.mjs";

/** Statements are planned and code is compiled by then. */
const warmUpSeconds = 3;

/** `shape` as for the model, with `seconds` to observe. `postgres`: its `db`, `address` and `cluster` folder, keys of projects and their
 *  `masterKey`. Per second: pictures finished, statements, and the processor seconds of PostgreSQL (`busySeconds`), the
 *  servers, and whatever else runs on this machine. */
export async function measureServers(shape, postgres) {
  const { db, cluster } = postgres;
  const servers = await startServers(shape, postgres);
  try {
    if (shape.rate > 0) for (const server of servers) server.send({ kind: "offer", rate: shape.rate / servers.length });
    await delay(1_000 * (warmUpSeconds + 2 * shape.pictureSeconds));
    await newsOf(servers);
    const before = { finished: await countOfFinished(db), machineMs: machineMs(), ownMs: ownMs(), at: performance.now() };
    const postgresMs = await databaseMs(cluster, () => delay(1_000 * shape.seconds));
    const after = { finished: await countOfFinished(db), machineMs: machineMs(), ownMs: ownMs(), at: performance.now() };
    const news = await newsOf(servers);
    const part = (name) => (after[name] - before[name]) / ((after.at - before.at) / 1_000);
    const [busySeconds, serverSeconds] = [postgresMs, sum(news.map(({ usedMs }) => usedMs))].map((ms) => ms / (after.at - before.at));
    const starts = news.flatMap((one) => one.starts);
    return {
      finished: part("finished"),
      busySeconds,
      statements: (1_000 * sum(news.map(({ statements }) => statements))) / (after.at - before.at),
      startP50: percentile(starts, 0.5) / 1_000,
      startP99: percentile(starts, 0.99) / 1_000,
      serverSeconds,
      otherSeconds: Math.max(0, (part("machineMs") - part("ownMs")) / 1_000 - busySeconds - serverSeconds),
    };
  } finally {
    await stopServers(servers, db);
  }
}

/** Each knows of the tasks that it is to follow by the parent: clients come to any server. */
async function startServers(shape, { address, keys, masterKey }) {
  const { servers: count, workers, steps, pictureSeconds } = shape;
  const servers = Array.from({ length: count }, () => fork(join(import.meta.dirname, "server-part.mjs")));
  for (const server of servers) {
    server.on("message", ({ kind, server: number, taskId }) => kind === "follow" && servers[number].connected && servers[number].send({ kind, taskId }));
  }
  await Promise.all(
    servers.map((server, number) => {
      const own = Math.floor(workers / count) + (number < workers % count ? 1 : 0);
      server.send({ address, keys, masterKey: masterKey.toString("hex"), servers: count, workers: own, steps, pictureSeconds });
      return answer(server, "ready");
    }),
  );
  return servers;
}

/** Lets all tasks end first, so that the next shape begins with an empty queue. */
async function stopServers(servers, db) {
  for (const server of servers) if (server.connected) server.send({ kind: "stop" });
  for (let tries = 0; tries < 100 && (await isBusy(db)); tries += 1) await delay(100);
  await Promise.all(
    servers.map(async (server) => {
      if (server.exitCode !== null) return;
      const ended = once(server, "exit");
      server.send({ kind: "close" });
      await ended;
    }),
  );
}

/** Of each server since the last look: how long tasks waited that started there, and what it asked and used. */
function newsOf(servers) {
  return Promise.all(
    servers.map((server) => {
      server.send({ kind: "news" });
      return answer(server, "news");
    }),
  );
}

/** Milliseconds for which this machine's processors have been busy, and this process with them. */
function machineMs() {
  return sum(cpus().map(({ times: { user, nice, sys, irq } }) => user + nice + sys + irq));
}

function ownMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

function answer(server, kind) {
  return new Promise((resolve, reject) => {
    const ended = (code) => reject(new Error(`a server ended with code ${code}`));
    const hear = (message) => {
      if (message.kind !== kind) return;
      server.off("message", hear).off("exit", ended);
      resolve(message);
    };
    server.on("message", hear).once("exit", ended);
  });
}

async function isBusy(db) {
  const { rows } = await db.query(`select exists (select from tasks where phase in ('waiting', 'leased')) as busy`);
  return rows[0].busy;
}

async function countOfFinished(db) {
  const { rows } = await db.query("select count(*)::int as finished from tasks where phase = 'finished'");
  return rows[0].finished;
}
