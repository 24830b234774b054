// How far the estimated starts in Detail are off: a real server, several kinds of queues, each estimate compared with the start.
// node benchmarks/queue/start-estimate.mjs [--write]

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";

import { root, writeReport } from "../flux/measure.mjs";
import { withServer } from "../server/bench-server.mjs";
import { median, percentile } from "./percentiles.mjs";

const { values: options } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const places = 2;
/** The wire's times are whole seconds: shorter waits say nothing. */
const shortestWaitSeconds = 2;
/** Detail is asked for every waiting task, so often. */
const askEveryMs = 1_000;

const scenarios = {
  "one model, runs of 0.8 s, 30 tasks": (busy) => times(30, () => busy.run("fake", { steps: 16 })),
  "one model, runs of 0.2 to 1.4 s, 30 tasks": (busy) => times(30, (number) => busy.run("fake", { steps: 4 + ((number * 7) % 25) })),
  "two models, runs of 0.3 and 1.2 s, 15 tasks of each": (busy) =>
    times(30, (number) => busy.run(number % 2 === 0 ? "fake" : "other", { steps: number % 2 === 0 ? 6 : 24 })),
  "a second project beside a backlog of 24 tasks": async (busy) => {
    await times(24, () => busy.run("fake", { steps: 16 }));
    await times(6, () => busy.run("fake", { steps: 16 }, 1));
  },
  "a project that may run one task at a time, 10 tasks": (busy) => times(10, () => busy.run("fake", { steps: 16 }, 2)),
};

const rows = [];
const all = [];
await withServer({ workers: places }, async (server) => {
  addOtherModel(server.data);
  const keys = ["one", "two", "three"].map((name) => createProject(server.data, name));
  atelier(["project", "limit", keys[2].projectid, "--running", "1", "--data", server.data]);
  await delay(3_000); // the server reads manifests that are new by itself
  for (const [name, fill] of Object.entries(scenarios)) {
    const busy = openQueue(server, keys);
    await times(4, (number) => busy.run(number % 2 === 0 ? "fake" : "other", { steps: 16 }));
    await busy.untilEmpty();
    busy.estimates.length = 0;
    await fill(busy);
    await busy.untilEmpty();
    const errors = await errorsOf(server.db, busy.estimates);
    all.push(...errors);
    rows.push([name, describe(errors), "-"]);
    console.log(rows.at(-1).slice(0, 2).join(": "));
  }
});
rows.push(["all", describe(all), "-"]);
console.log(rows.at(-1).slice(0, 2).join(": "));
const notes = [
  `${places} places; every ${askEveryMs} ms Detail is asked for each waiting task. An error is |estimated - real start| as a part of the wait that was left; waits under ${shortestWaitSeconds} s are left out.`,
];
if (options.write) writeReport("start-estimate", "Estimated starts", { command: "node benchmarks/queue/start-estimate.mjs --write", rows, notes });

function openQueue(server, keys) {
  const waiting = new Map();
  const estimates = [];
  const post = async (path, body, key) => {
    const headers = { "x-api-key": key.apikey, "content-type": "application/json" };
    return (await fetch(`${server.url}/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) })).json();
  };
  return {
    estimates,
    async run(model, { steps }, project = 0) {
      const answer = await post(`/Run/test/${model}`, { prompt: "stepMs=50", steps: String(steps) }, keys[project]);
      if (!answer.result) throw new Error(JSON.stringify(answer.errors));
      waiting.set(answer.taskid, keys[project]);
    },
    /** Asks for all that wait until none does, and lets the last ones end. */
    async untilEmpty() {
      while (waiting.size > 0) {
        for (const [taskid, key] of waiting) {
          const { tasklist } = await post("/Task/Detail", { taskid }, key);
          const [task] = tasklist;
          if (task.status === "task_queue" && task.estimatedstarttime !== "0") {
            estimates.push({ taskid, askedAt: Date.now() / 1000, startAt: Number(task.estimatedstarttime) + 0.5 });
          }
          if (task.status === "task_postprocess_end" || task.status === "task_cancel") waiting.delete(taskid);
        }
        await delay(askEveryMs);
      }
    },
  };
}

/** Server and benchmark read the same clock. */
async function errorsOf(db, estimates) {
  const ids = [...new Set(estimates.map(({ taskid }) => taskid))];
  const { rows: starts } = await db.query("select id, extract(epoch from accepted_at)::float8 as at from tasks where id = any($1)", [ids]);
  const startOf = new Map(starts.map(({ id, at }) => [id, at]));
  return estimates.flatMap(({ taskid, askedAt, startAt }) => {
    const wait = startOf.get(taskid) - askedAt;
    return wait < shortestWaitSeconds ? [] : [Math.abs(startAt - startOf.get(taskid)) / wait];
  });
}

function describe(errors) {
  const percent = (ratio) => `${Math.round(ratio * 100)} %`;
  return `median ${percent(median(errors))}, p90 ${percent(percentile(errors, 0.9))} of the wait (${errors.length} estimates)`;
}

function addOtherModel(data) {
  const manifest = JSON.parse(readFileSync(join(root, "tests/crash/fake-model.json"), "utf8"));
  writeFileSync(join(data, "models/other.json"), JSON.stringify({ ...manifest, id: "9002", slug: "other", title: "Other" }));
}

function createProject(data, name) {
  return JSON.parse(atelier(["project", "create", name, "--auth", "key", "--data", data, "--json"]));
}

function atelier(args) {
  return execFileSync(process.execPath, [join(root, "bin/atelier.mjs"), ...args], { encoding: "utf8" });
}

async function times(count, work) {
  for (let number = 0; number < count; number += 1) await work(number);
}
