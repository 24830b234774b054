// What the durable core promises, each promise with the tests that show it: runs them and says how many passed.
// node benchmarks/promises.mjs [--only TEXT] [--write]     (what it needs beside npm: tests/many-machines/README.md)

import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

import { root, writeReport } from "./flux/measure.mjs";

/** A lane leaves with it where it cannot run. */
const cannotRun = 77;

const vitest = "npx --no-install vitest run";
const slow = `${vitest} --config tests/slow.config.ts`;
const lane = (script, name) => `.ci/${script}.sh ${vitest} --config tests/many-machines/vitest.config.ts tests/many-machines/${name}.lane.ts`;

const promises = [
  ["every move is fenced by attempt and lease; Kill in every leased status, Cancel only in the queue; the loser of a race is told", `${vitest} tests/state-machine packages/server/src/db/queries`],
  ["a dead worker's task is claimed again; a frozen one that wakes up changes nothing; lost leases and engine failures are bounded", `${vitest} packages/server/src/worker/worker.test.ts tests/task-source`],
  ["events are replayed from any one and followed, with no gap and no repetition, over reconnects", `${vitest} packages/server/src/events tests/socket`],
  ["the same over kill -9 of servers, whichever server is asked", `${slow} tests/crash/followers.test.ts`],
  ["limits, fair turns, ageing, warm models first within their bound, budgets", `${vitest} packages/server/src/db/queries/claims.test.ts tests/keys/project-limits.test.ts`],
  ["new tasks and claims share transactions: nothing is given twice, nobody waits for ever", `${vitest} packages/server/src/tasks packages/server/src/db/batches.test.ts tests/simulation/lines.test.ts`],
  ["workers elsewhere: claim, reports once, uploads resumed and checked, kill at once, drain, version skew refused", `${vitest} tests/remote-worker tests/task-source`],
  ["the same Run with the same Idempotency-Key is one task; deadlines; probes", `${vitest} packages/server/src/http/server.test.ts packages/server/src/http/routes/run-limits.test.ts packages/server/src/http/run-files.test.ts packages/server/src/maintenance/deadlines.test.ts tests/crash/redraw.test.ts`],
  ["sessions that are lost, settings and encodings of an operator, clocks that are set: nothing of it changes what is promised", `${vitest} packages/server/src/db --exclude packages/server/src/db/embedded/**`],
  ["retention by age and size; the sweep spares what is needed; a newer data folder is refused", `${vitest} packages/server/src/maintenance tests/lifecycle/lifecycle.test.ts`],
  ["several servers on Debian's PostgreSQL, its restart, failover to a streaming replica", lane("postgres", "postgres")],
  ["through Debian's PgBouncer", lane("pgbouncer", "pg-bouncer")],
  ["outputs on a real S3 server (OpenStack Swift)", lane("swift", "s3")],
  ["a full disk (tmpfs) refuses Run and loses nothing", lane("full-disk", "full-disk")],
  ["backup and restore", `${slow} tests/backup`],
  ["backup and restore from one major version of PostgreSQL into another", lane("postgres", "backup")],
  ["30 kills of server, worker, engine and PostgreSQL under load", `${slow} tests/crash/soak.test.ts`],
];

const { values } = parseArgs({ options: { only: { type: "string" }, write: { type: "boolean", default: false } } });
const chosen = promises.filter(([promise]) => values.only === undefined || promise.includes(values.only));
const rows = [];
for (const [promise, command] of chosen) {
  const { verdict, isBroken, text } = await outcomeOf(command);
  rows.push([promise, `${verdict}; \`${command}\``, "all pass"]);
  console.log(`${promise}: ${verdict}`);
  if (isBroken) {
    console.error(text.slice(-6_000));
    process.exitCode = 1;
  }
}
if (values.write) writeReport("promises", "What the durable core promises", { command: "node benchmarks/promises.mjs --write", rows, notes: [figures()] });

async function outcomeOf(command) {
  const startedAt = performance.now();
  const { code, text } = await run(command);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  if (code === cannotRun) return { verdict: "NOT RUN: this machine lacks what it needs", isBroken: false, text };
  const [, passed, failed] = /^(\d+) passed, (\d+) failed, \d+ skipped$/m.exec(text) ?? [];
  if (code !== 0 || passed === undefined) return { verdict: `FAILED (${failed ?? "no"} tests)`, isBroken: true, text };
  return { verdict: `${passed} passed in ${seconds} s`, isBroken: false, text };
}

function run(command) {
  const [program, ...args] = command.split(" ");
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env: { ...process.env, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
    child.once("error", reject).once("exit", (code) => resolve({ code, text }));
  });
}

/** Where the figures of the same promises are. */
function figures() {
  return [
    "Figures, each with its command: a million lives of the table ([state-machine.md](state-machine.md)), simulated worlds on the real SQL",
    "([simulation.md](simulation.md)), 200 kills ([crash-soak.md](crash-soak.md)), the commit before the reply ([power-loss.md](power-loss.md)),",
    "takeover of a dead worker's tasks ([takeover.md](takeover.md)), Kill and Cancel ([stop-running.md](stop-running.md)), estimates of the start",
    "([start-estimate.md](start-estimate.md)), submit and start ([submit.md](submit.md), [submit-large.md](submit-large.md)), the queue beside its peers",
    "and among a million tasks ([queue.md](queue.md), [queue-large.md](queue-large.md)), sockets ([sockets.md](sockets.md)), a thousand workers",
    "([capacity.md](capacity.md), [capacity-compared.md](capacity-compared.md)).",
  ].join("\n");
}
