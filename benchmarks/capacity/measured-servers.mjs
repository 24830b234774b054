// Real servers on one PostgreSQL under a steady load: what a picture costs the database, and how soon it starts.

import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { percentile } from "../queue/percentiles.mjs";
import { databaseMs } from "./processor-time.mjs";

/** Statements are planned and code is compiled by then. */
const warmUpSeconds = 3;

/** `shape` as for the model, with `seconds` to observe. `postgres`: its `db`, `address` and `cluster` folder, keys of projects and their
 *  `masterKey`. Per second: pictures finished, PostgreSQL's processor seconds and transactions. */
export async function measureServers(shape, postgres) {
  const { db, cluster } = postgres;
  const servers = await startServers(shape, postgres);
  try {
    if (shape.rate > 0) for (const server of servers) server.send({ kind: "offer", rate: shape.rate / servers.length });
    await delay(1_000 * (warmUpSeconds + 2 * shape.pictureSeconds));
    await startsOf(servers);
    const before = await countsOf(db);
    const beganAt = performance.now();
    const busyMs = await databaseMs(cluster, () => delay(1_000 * shape.seconds));
    const seconds = (performance.now() - beganAt) / 1_000;
    const after = await countsOf(db);
    const starts = await startsOf(servers);
    return {
      finished: (after.finished - before.finished) / seconds,
      busySeconds: busyMs / 1_000 / seconds,
      transactions: (after.transactions - before.transactions) / seconds,
      startP50: percentile(starts, 0.5) / 1_000,
      startP99: percentile(starts, 0.99) / 1_000,
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

async function startsOf(servers) {
  const answers = servers.map((server) => {
    server.send({ kind: "starts" });
    return answer(server, "starts");
  });
  return (await Promise.all(answers)).flatMap(({ starts }) => starts);
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

async function countsOf(db) {
  const { rows } = await db.query(
    `select (select count(*) from tasks where phase = 'finished')::int as finished,
            (select xact_commit from pg_stat_database where datname = current_database())::int as transactions`,
  );
  return rows[0];
}
