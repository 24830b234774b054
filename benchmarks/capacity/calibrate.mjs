// Measures what the simulation needs to know: what the statements of a task's life cost PostgreSQL on this machine, when a task
// comes alone and when many share a statement, and what each listening server adds to an announcement.
// node benchmarks/capacity/calibrate.mjs [--waves 12] [--write]        (--write: benchmarks/capacity/calibration.json)

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { startDatabase } from "@atelier/server/db/start-database";
import { openLog } from "@atelier/server/log";

import { machine } from "../flux/measure.mjs";
import { measureSync } from "../queue/disk.mjs";
import { percentile } from "../queue/percentiles.mjs";
import { measureCosts, rounded } from "./calibration.mjs";

const { values: options } = parseArgs({ options: { waves: { type: "string", default: "12" }, write: { type: "boolean", default: false } } });
const [claims, askers, tries] = [320, 16, 3];
/** Of the writes those that waited for the disk alone: whatever else wants a processor of this machine makes the others longer. */
const undisturbed = 0.1;

const log = openLog({ level: "silent", pretty: false });
const folder = mkdtempSync(join(tmpdir(), "atelier-capacity-"));
const postgres = await startDatabase({ log }, { databaseUrl: undefined, folder, runAs: "auto" });
try {
  const also = async (costs) => ({ claimsPerSecond: { oneAsker: await claimsOf(costs, 1), manyAskers: await claimsOf(costs, askers) } });
  const syncs = measureSync(folder);
  const measured = await measureCosts(postgres, { cluster: join(folder, "postgres"), waves: Number(options.waves), also });
  syncs.push(...measureSync(folder));
  const calibration = { ...machine(), ...measured, syncMs: rounded(percentile(syncs, undisturbed)) };
  console.log(JSON.stringify(calibration, null, 2));
  if (options.write) writeFileSync(join(import.meta.dirname, "calibration.json"), `${JSON.stringify(calibration, null, 2)}\n`);
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** The best of some tries: what else runs on this machine makes them slower only. */
async function claimsOf(costs, askers) {
  const found = [];
  for (let tried = 0; tried < tries; tried += 1) found.push(await costs.claimsPerSecond(askers, claims));
  return Math.max(...found);
}
