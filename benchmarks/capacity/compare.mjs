// The capacity model beside what it describes: real servers on one PostgreSQL, under loads that this machine can hold, and the model with
// the same servers, workers, rates and steps, at statement costs that are measured in the same rounds. Rounds in turns, medians.
// node benchmarks/capacity/compare.mjs [--servers 1,4,8] [--rates 10,20,40] [--rounds 3] [--write]     (--help says the rest)

import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { startDatabase } from "@atelier/server/db/start-database";
import { openLog } from "@atelier/server/log";
import { createProject } from "@atelier/server/projects/create-project";

import { median, writeReport } from "../flux/measure.mjs";
import { measureSync } from "../queue/disk.mjs";
import { measureCosts, medianCosts } from "./calibration.mjs";
import { measureServers } from "./measured-servers.mjs";
import { costsOf, simulate } from "./simulation.mjs";

const usage = `node benchmarks/capacity/compare.mjs
  --servers 1,4,8      numbers of servers, each a process
  --rates 0,10,20   pictures a second; 0: nothing to do
  --workers 14         of one place each, spread over the servers
  --seconds-per-picture 0.5, --steps 30, --projects 20
  --seconds 10         that each round of each shape is observed
  --rounds 3
  --write              benchmarks/results/capacity-compared.md`;
const defaults = { servers: "1,4,8", rates: "0,10,20", workers: "14", "seconds-per-picture": "0.5", steps: "30", projects: "20", seconds: "10", rounds: "3" };
const { values: options } = parseArgs({
  options: {
    ...Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, { type: "string", default: value }])),
    write: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log(usage);
  process.exit(0);
}
const numbers = (list) => list.split(",").map(Number);
const [workers, steps, projects, seconds, rounds] = ["workers", "steps", "projects", "seconds", "rounds"].map((name) => Number(options[name]));
const common = { workers, steps, projects, seconds, pictureSeconds: Number(options["seconds-per-picture"]), cores: cpus().length };
const shapes = numbers(options.servers).flatMap((servers) => numbers(options.rates).map((rate) => ({ ...common, servers, rate })));
/** Of each round: this machine's processors are faster at one time than at another. */
const waves = 4;

const log = openLog({ level: "warn", pretty: false });
const folder = mkdtempSync(join(tmpdir(), "atelier-compare-"));
const cluster = join(folder, "postgres");
/** Each server has up to 20 sessions. */
const settings = { max_connections: "200" };
const postgres = await startDatabase({ log }, { databaseUrl: undefined, folder, runAs: "auto", settings });
const measured = new Map(shapes.map((shape) => [shape, []]));
let calibration;
try {
  const [costs, syncMs] = [[], []];
  const parts = { ...postgres, cluster, ...(await openProjects(postgres.db)) };
  for (let round = 1; round <= rounds; round += 1) {
    costs.push(await measureCosts(postgres, { cluster, waves }));
    syncMs.push(...measureSync(folder));
    for (const shape of shapes) {
      measured.get(shape).push(await measureServers(shape, parts));
      console.error(`round ${round}, ${nameOf(shape)}: ${toldOf(measured.get(shape).at(-1), shape)}`);
    }
  }
  calibration = { ...medianCosts(costs), syncMs: median(syncMs) };
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
report();

async function openProjects(db) {
  const masterKey = Buffer.alloc(32, 1);
  const opened = Array.from({ length: projects }, (_, number) => createProject({ db, masterKey }, { name: `compared-${number}`, auth: "key" }));
  return { masterKey, keys: (await Promise.all(opened)).map(({ apikey }) => apikey) };
}

function nameOf({ servers, rate }) {
  return `${servers} ${servers === 1 ? "server" : "servers"}, ${rate === 0 ? "nothing to do" : `${rate} pictures/s`}`;
}

/** Of each figure the median of the rounds. */
function medianOf(results) {
  return Object.fromEntries(Object.keys(results[0]).map((figure) => [figure, median(results.map((result) => result[figure]))]));
}

/** PostgreSQL's part for a picture, or for a second where none is drawn. */
function partsOf({ finished, busySeconds, statements }, { rate }) {
  const per = rate === 0 ? 1 : finished;
  return { ms: (1_000 * busySeconds) / per, statements: statements / per };
}

/** The model knows of PostgreSQL alone. */
function toldOf(real, shape) {
  const servers = `servers ${((1_000 * real.serverSeconds) / (shape.rate === 0 ? 1 : real.finished)).toFixed(1)} ms`;
  return `${told(real, shape)}; ${servers}, all else ${Math.round((100 * real.otherSeconds) / common.cores)} % of the machine`;
}

function told(result, shape) {
  const { ms, statements } = partsOf(result, shape);
  const part = `PostgreSQL ${ms.toFixed(1)} ms and ${statements.toFixed(1)} statements ${shape.rate === 0 ? "a second" : "a picture"}`;
  if (shape.rate === 0) return part;
  return `${part}, start p50 ${(1_000 * result.startP50).toFixed(1)}, p99 ${(1_000 * result.startP99).toFixed(1)} ms, ${result.finished.toFixed(1)} pictures/s`;
}

function report() {
  const costs = costsOf(calibration);
  const rows = shapes.map((shape) => {
    const [real, model] = [medianOf(measured.get(shape)), simulate({ ...shape, syncMs: calibration.syncMs, freesPlacesEarly: true }, costs)];
    const [realPart, modelPart] = [partsOf(real, shape), partsOf(model, shape)];
    const ratio = `processor ${(modelPart.ms / realPart.ms).toFixed(2)}, statements ${(modelPart.statements / realPart.statements).toFixed(2)}`;
    return [nameOf(shape), toldOf(real, shape), told(model, shape), ratio];
  });
  for (const row of rows) console.log(`${row[0]}\n  measured ${row[1]}\n  model    ${row[2]}\n  model / measured ${row[3]}`);
  if (options.write) write(rows);
}

function write(rows) {
  const more = Object.entries(options).filter(([name, value]) => name in defaults && value !== defaults[name]);
  const { syncMs, databaseMsPerListener, statements } = calibration;
  writeReport("capacity-compared", "The capacity model beside real servers", {
    command: ["node benchmarks/capacity/compare.mjs", ...more.map(([name, value]) => `--${name} ${value}`), "--write"].join(" "),
    columns: ["what", "measured", "model", "model / measured"],
    rows,
    notes: [
      `${workers} workers of one place, ${common.pictureSeconds} s and ${steps} reported steps a picture, each picture followed at one of the servers; ${rounds} rounds in turns of`,
      `${seconds} s each, medians. PostgreSQL is the embedded one, every commit on disk; its processor time is that of all its processes. Servers are processes`,
      "with the parts of a server that ask PostgreSQL, from the look at a Run's key to the upkeep, without HTTP, and with engines that wait in place of",
      `drawing. All of it shares the ${cpus().length} cores of this machine.`,
      "",
      "The model is that of [capacity.md](capacity.md), with these servers, workers, rates and cores, at the costs that the same rounds measured before:",
      `progress of one task ${statements.progress.aloneMs} ms, a claim ${statements.claim.aloneMs} ms, a look ${statements.look.aloneMs} ms, a server that hears an announcement ${databaseMsPerListener} ms,`,
      `a commit on disk in ${syncMs.toFixed(2)} ms. It knows no processor time of servers: their starts are later than its own, and the later a server asks, the more`,
      "reports share a statement. With little to do PostgreSQL's processes sleep between statements and each costs more than it says.",
    ],
  });
}
