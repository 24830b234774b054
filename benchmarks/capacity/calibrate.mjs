// Measures what the simulation needs to know: what the statements of a task's life cost PostgreSQL on this machine, when a task
// comes alone and when many share a statement, and what each listening server adds to an announcement.
// node benchmarks/capacity/calibrate.mjs [--waves 12] [--write]        (--write: benchmarks/capacity/calibration.json)

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { startDatabase } from "@atelier/server/db/start-database";
import { openLog } from "@atelier/server/log";
import pg from "pg";

import { machine, median } from "../flux/measure.mjs";
import { measureSync } from "../queue/disk.mjs";
import { databaseMs } from "./processor-time.mjs";
import { StatementCosts } from "./statement-costs.mjs";

const { values: options } = parseArgs({ options: { waves: { type: "string", default: "12" }, write: { type: "boolean", default: false } } });
const waves = Number(options.waves);
const many = 32;
const listeners = 20;
const [claims, askers] = [320, 16];
const announcements = 1_000;

const log = openLog({ level: "silent", pretty: false });
const folder = mkdtempSync(join(tmpdir(), "atelier-capacity-"));
const postgres = await startDatabase({ log }, { databaseUrl: undefined, folder, runAs: "auto" });
try {
  const cluster = join(folder, "postgres");
  const costs = new StatementCosts(postgres.db, cluster);
  await costs.open();
  const statements = await costsOfStatements(costs);
  const calibration = {
    ...machine(),
    statements,
    claimsPerSecond: { oneAsker: await costs.claimsPerSecond(1, claims), manyAskers: await costs.claimsPerSecond(askers, claims) },
    databaseMsPerListener: await costOfListener(postgres.socketDir, cluster),
    syncMs: rounded(median(measureSync(folder))),
  };
  console.log(JSON.stringify(calibration, null, 2));
  if (options.write) writeFileSync(join(import.meta.dirname, "calibration.json"), `${JSON.stringify(calibration, null, 2)}\n`);
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Of each kind: milliseconds of a statement of one task and of one of many, and what follows for any number of them. */
async function costsOfStatements(costs) {
  const measured = { alone: [], shared: [] };
  // Sessions plan their statements first.
  for (const size of [1, many]) await costs.wave(size);
  for (let wave = 0; wave < waves; wave += 1) {
    measured.alone.push(await costs.wave(1));
    measured.shared.push(await costs.wave(many));
  }
  const medianOf = (list, kind) => median(list.map((costs) => costs[kind]));
  return Object.fromEntries(
    Object.keys(measured.alone[0]).map((kind) => {
      const [alone, shared] = [medianOf(measured.alone, kind), medianOf(measured.shared, kind)];
      const perTask = Math.max(0, (shared - alone) / (many - 1));
      return [kind, { aloneMs: rounded(alone), [`of${many}Ms`]: rounded(shared), fixedMs: rounded(alone - perTask), perTaskMs: rounded(perTask) }];
    }),
  );
}

/** Milliseconds by which one more session that listens makes an announcement dearer. */
async function costOfListener(host, cluster) {
  const connect = async () => {
    const client = new pg.Client({ host, user: "atelier", database: "atelier" });
    await client.connect();
    return client;
  };
  const teller = await connect();
  const announce = () =>
    databaseMs(cluster, async () => {
      for (let at = 0; at < announcements; at += 1) await teller.query(`select pg_notify('atelier_event', $1)`, [String(at)]);
    });
  const alone = await announce();
  const hearing = await Promise.all(Array.from({ length: listeners }, connect));
  for (const client of hearing) await client.query("listen atelier_event");
  const heard = await announce();
  await Promise.all([teller, ...hearing].map((client) => client.end()));
  return rounded((heard - alone) / announcements / listeners);
}

function rounded(milliseconds) {
  return Math.round(milliseconds * 10_000) / 10_000;
}
