// A thousand GPU workers and a hundred servers on one PostgreSQL, simulated with the costs that calibrate.mjs measured:
// where it breaks, and what moves that point.
// node benchmarks/capacity/simulate.mjs [--workers 1000] [--servers 100] [--cores 16] [--steps 30] [--projects 200] [--write]

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { writeReport } from "../flux/measure.mjs";
import { costsOf, simulate } from "./simulation.mjs";

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
const { write, ...sizes } = values;
const size = Object.fromEntries(Object.entries(sizes).map(([name, value]) => [name, Number(value)]));
const calibration = JSON.parse(readFileSync(join(import.meta.dirname, "calibration.json"), "utf8"));
const costs = costsOf(calibration);

const utilisation = 0.9;
const brokenStartSeconds = 1;

/** Each worker draws a picture in `pictureSeconds`; tasks come as fast as nine tenths of the workers can draw. */
function load({ pictureSeconds, ...more }) {
  const rate = (size.workers * utilisation) / pictureSeconds;
  const result = simulate({ ...size, syncMs: calibration.syncMs, progressPerSecond: 30, pictureSeconds, rate, ...more }, costs);
  return { ...result, wanted: rate };
}

const isBroken = (result) => result.startP99 === undefined || result.startP99 > brokenStartSeconds || result.finished < result.wanted * 0.9;

/** The shortest picture time, hence the highest rate, that still holds. */
function breakingPoint(more) {
  let [broken, holds] = [0.1, 16];
  while (holds / broken > 1.1) {
    const pictureSeconds = Math.sqrt(holds * broken);
    if (isBroken(load({ pictureSeconds, ...more }))) broken = pictureSeconds;
    else holds = pictureSeconds;
  }
  return { pictureSeconds: holds, result: load({ pictureSeconds: holds, ...more }) };
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
if (write) {
  writeReport("capacity", `${size.workers} workers, ${size.servers} servers, PostgreSQL of ${size.cores} cores: where it breaks`, {
    command: "node benchmarks/capacity/simulate.mjs --write",
    rows,
    notes: [
      `Calibrated on ${calibration.processor}, ${calibration.date}, commit ${calibration.commit}: a commit reaches the disk in ${calibration.syncMs} ms; a claim of one task takes`,
      `${calibration.statements.claim.aloneMs} ms of PostgreSQL's processor, progress of one task ${calibration.statements.progress.aloneMs} ms, each further task of its statement ${calibration.statements.progress.perTaskMs} ms, and every server that hears`,
      `an announcement ${calibration.databaseMsPerListener} ms. Measured claims a second: ${calibration.claimsPerSecond.oneAsker} by one asker, ${calibration.claimsPerSecond.manyAskers} by sixteen: they wait for each other's commit.`,
      "",
      "A simulation, not a measurement. `calibration.json` says what the statements cost PostgreSQL, for a task that comes alone and for each that",
      "shares a statement, in sessions that take turns (`node benchmarks/capacity/calibrate.mjs --write`), on its machine and commit; how many share",
      "one comes out of the simulation. The same model beside real servers: [capacity-compared.md](capacity-compared.md). Broken means: a tenth of the",
      "tasks not finished in time, or a start later than a second (p99).",
    ],
  });
}
