// A thousand GPU workers and a hundred servers on one PostgreSQL, simulated with the costs that calibrate.mjs measured:
// where it breaks, and what partitioning moves that point.
// node benchmarks/capacity/simulate.mjs [--workers 1000] [--servers 100] [--cores 16] [--steps 30] [--write]

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { writeReport } from "../flux/measure.mjs";
import { percentile } from "../queue/percentiles.mjs";
import { DatabaseModel } from "./database-model.mjs";
import { Clock } from "./event-queue.mjs";
import { seededRandom } from "./seeded-random.mjs";

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
/** Tasks that a simulation lets end after the workers are all busy. */
const observedTasks = 4_000;
const utilisation = 0.9;
/** The calibration's run has three progress events; a run's other statements cost about as much as six of them. */
const statementsOfRun = 9;
const heartbeatSeconds = 1;
const brokenStartSeconds = 1;

/** Each worker draws a picture in `pictureSeconds`; tasks come as fast as nine tenths of the workers can draw. */
function simulate({ pictureSeconds, partitions, progressPerSecond }) {
  const clock = new Clock();
  const random = seededRandom(1);
  const databases = Array.from({ length: partitions }, () => new DatabaseModel(clock, { cores: size.cores, syncSeconds: calibration.syncMs / 1_000 }));
  const statementSeconds = calibration.databaseMsPerRun / statementsOfRun / 1_000;
  const queues = databases.map(() => ({ tasks: [], idle: Math.floor(size.workers / partitions) }));
  const wanted = (size.workers * utilisation) / pictureSeconds;
  const warmUpSeconds = 2 * pictureSeconds;
  const observedSeconds = observedTasks / wanted;
  const starts = [];
  let finished = 0;

  const submit = () => {
    const at = random.below(partitions);
    const bornAt = clock.now;
    databases[at].run({ seconds: calibration.databaseMsPerSubmit / 1_000, done: () => (queues[at].tasks.push({ at, bornAt, project: random.below(size.projects) }), claim(at)) });
    clock.after(random.exponential(1 / wanted), submit);
  };
  const claim = (at) => {
    const queue = queues[at];
    if (queue.idle === 0 || queue.tasks.length === 0) return;
    queue.idle -= 1;
    const task = queue.tasks.shift();
    databases[at].run({ seconds: 2 * statementSeconds, row: task.project, done: () => draw(task) });
  };
  const draw = (task) => {
    if (clock.now > warmUpSeconds) starts.push(clock.now - task.bornAt);
    const reports = Math.min(size.steps, Math.ceil(pictureSeconds * progressPerSecond));
    for (let report = 1; report <= reports; report += 1) {
      clock.after((pictureSeconds * report) / (reports + 1), () => databases[task.at].run({ seconds: statementSeconds, done: () => undefined }));
    }
    clock.after(pictureSeconds, () => databases[task.at].run({ seconds: 4 * statementSeconds, done: () => (finished += clock.now > warmUpSeconds ? 1 : 0, queues[task.at].idle += 1, claim(task.at)) }));
  };
  // Each worker renews its lease; a server's announcements reach all servers, and each of them looks its followers' events up.
  const heartbeat = () => {
    for (const database of databases) database.run({ seconds: (size.workers / partitions) * statementSeconds * 0.3 + size.servers * statementSeconds * 0.2, done: () => undefined });
    clock.after(heartbeatSeconds, heartbeat);
  };
  submit();
  heartbeat();
  clock.runUntil(warmUpSeconds + observedSeconds);
  return {
    wanted,
    finished: finished / observedSeconds,
    startP99: percentile(starts, 0.99),
    load: Math.max(...databases.map((database) => database.load)),
  };
}

const isBroken = (result) => result.startP99 === undefined || result.startP99 > brokenStartSeconds || result.finished < result.wanted * 0.9;

/** The shortest picture time, hence the highest rate, that still holds. */
function breakingPoint(more) {
  let [broken, holds] = [0.05, 64];
  while (holds / broken > 1.1) {
    const pictureSeconds = Math.sqrt(holds * broken);
    if (isBroken(simulate({ pictureSeconds, ...more }))) broken = pictureSeconds;
    else holds = pictureSeconds;
  }
  return { pictureSeconds: holds, result: simulate({ pictureSeconds: holds, ...more }) };
}

const rows = [];
for (const partitions of [1, 2, 4, 8]) {
  for (const progressPerSecond of [30, 2]) {
    const { pictureSeconds, result } = breakingPoint({ partitions, progressPerSecond });
    const measured = `${Math.round(result.finished)} pictures/s (${pictureSeconds.toFixed(2)} s each), start p99 ${(result.startP99 * 1_000).toFixed(0)} ms, cores ${Math.round(result.load * 100)} % busy`;
    rows.push([`${partitions} PostgreSQL, every step or at most ${progressPerSecond} progress events a second`, measured, "-"]);
    console.log(rows.at(-1).slice(0, 2).join(": "));
  }
}
if (values.write) {
  writeReport("capacity", `${size.workers} workers, ${size.servers} servers, PostgreSQL of ${size.cores} cores: where it breaks`, {
    command: "node benchmarks/capacity/simulate.mjs --write",
    rows,
    notes: ["A simulation, not a measurement: its costs per statement are those of `calibration.json`, measured on two cores. Broken means: a tenth", "of the tasks not finished in time, or a start later than a second (p99)."],
  });
}
