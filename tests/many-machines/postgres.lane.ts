// Several servers on one PostgreSQL of Debian's: together, through its restarts, and through a failover to a replica.

import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, expect, it } from "vitest";

import { limits } from "../../packages/server/src/limits.ts";
import { FaultyProxy } from "../remote-worker/faulty-proxy.ts";
import { brokenPromises } from "../simulation/invariants.ts";
import { SocketClient } from "../socket/client.ts";
import { DebianPostgres } from "./debian-postgres.ts";
import { allEnded, Fleet } from "./fleet.ts";

const seed = Number(process.env["ATELIER_LANE_SEED"] ?? Date.now() % 1_000_000);
const clusters: DebianPostgres[] = [];
let fleet: Fleet | undefined;

afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
  for (const cluster of clusters.splice(0)) await cluster.remove();
});

async function cluster(conf: readonly string[] = []): Promise<DebianPostgres> {
  const made = await DebianPostgres.create(conf);
  clusters.push(made);
  return made;
}

/** Everything has ended, every promise was kept, and the servers stop cleanly. */
async function expectAllKept(running: Fleet, acknowledged: readonly string[]): Promise<void> {
  const db = running.openDatabase();
  await allEnded(db);
  expect(await brokenPromises(db, acknowledged), `seed ${seed}`).toEqual([]);
  const { rows } = await db.query<{ done: string }>("select count(*) as done from tasks where pexit = '0'");
  await db.close();
  console.log(`postgres lane: ${JSON.stringify({ seed, acknowledged: acknowledged.length, done: Number(rows[0]?.done), violations: 0 })}`);
  expect(Number(rows[0]?.done)).toBeGreaterThan(0);
  expect(await running.stop()).toEqual(running.servers.map(() => 0));
}

it("servers that start at once on an empty database migrate it once, share its tasks, and take over from one that is killed", async () => {
  const postgres = await cluster();
  fleet = await Fleet.start(postgres.url(), 3);
  const db = fleet.openDatabase();
  const { rows } = await db.query<{ version: number }>("select version from schema_migrations order by version");
  const files = await readdir(join(import.meta.dirname, "../../packages/server/src/db/migrations"));
  expect(rows.map((row) => row.version)).toEqual(files.toSorted().map((name) => Number(name.slice(0, 4))));

  // Submitted on one server, followed on every other, whichever of them runs it.
  const run = await fleet.call(0, "/Run/test/fake", { prompt: "stepMs=20", steps: 5 });
  const followers = await Promise.all([1, 2].map((at) => SocketClient.connect(`${fleet?.urlOf(at).replace("http", "ws")}/v1`)));
  for (const socket of followers) {
    socket.follow(String(run["socketaccesstoken"]));
    await socket.until(() => socket.frames.some((frame) => frame.type === "task_postprocess_end"));
    socket.ws.close();
  }
  const [one, other] = followers.map((socket) => socket.frames.filter((frame) => frame["id"] !== undefined).map((frame) => frame.type));
  expect(one).toEqual(other);
  const detail = await fleet.call(2, "/Task/Detail", { taskid: run["taskid"] });
  expect(detail).toMatchObject({ result: true, tasklist: [{ status: "task_postprocess_end", pexit: "0" }] });

  // The server that runs a task is killed; another one takes it up and ends it, once.
  const long = await fleet.call(1, "/Run/test/fake", { prompt: "stepMs=300", steps: 10 });
  const claimed = new RegExp(`task\\.claimed.*taskId=${long["taskid"]} .*attempt=1`);
  const holder = await Promise.any(fleet.servers.map((server) => server.line(claimed).then(() => server)));
  holder.kill("SIGKILL");
  await holder.exit();
  const rest = fleet.servers.filter((server) => server !== holder);
  await Promise.any(rest.map((server) => server.line(new RegExp(`task\\.claimed.*taskId=${long["taskid"]} .*attempt=2`))));
  await allEnded(db);
  expect(await brokenPromises(db, [String(run["taskid"]), String(long["taskid"])])).toEqual([]);
  await db.close();
});

it("restarts of PostgreSQL under load, clean ones and crashes, lose nothing and do nothing twice", async () => {
  const postgres = await cluster();
  fleet = await Fleet.start(postgres.url(), 2);
  const load = fleet.startLoad(seed);
  for (const mode of ["fast", "immediate", "immediate", "fast"] as const) {
    await load.more(20);
    await postgres.restart(mode);
  }
  await postgres.kill();
  await postgres.start();
  await load.more(20);
  await expectAllKept(fleet, await load.stop());
});

it("connections to PostgreSQL that died without a word are given up within the limits, and nothing is lost with them", async () => {
  const postgres = await cluster();
  const proxy = await FaultyProxy.open(`http://${postgres.host}`);
  try {
    fleet = await Fleet.start(`postgres://atelier@${new URL(proxy.url).host}/postgres`, 2);
    const load = fleet.startLoad(seed);
    await load.more(20);
    // Two servers have more than the one that listens and the one that announces each.
    expect(proxy.silence()).toBeGreaterThan(4);
    const cutAt = performance.now();
    await Promise.all(fleet.servers.map((server) => server.line(/database\.listening-again/)));
    // What listens waits longest: until it is asked, then for its answer. New sessions are had at once.
    expect(performance.now() - cutAt).toBeLessThan(limits.databasePingMs + limits.databaseAnswerMs + limits.poolWaitMs);
    await load.more(20);
    await expectAllKept(fleet, await load.stop());
  } finally {
    await proxy.close();
  }
});

it("the primary dies under load, its replica is promoted, and nothing that was acknowledged is lost", async () => {
  const primary = await cluster(["wal_level = replica"]);
  const replica = await primary.replica();
  clusters.push(replica);
  await primary.waitForCopies();
  fleet = await Fleet.start(`postgres://atelier@${primary.host},${replica.host}/postgres?target_session_attrs=read-write`, 2);
  const load = fleet.startLoad(seed);
  await load.more(40);
  await primary.kill();
  const before = load.acknowledged.length;
  await replica.promote();
  await load.more(40);
  const acknowledged = await load.stop();
  expect(before).toBeGreaterThanOrEqual(40);
  await expectAllKept(fleet, acknowledged);
});
