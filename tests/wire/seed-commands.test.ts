import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { writeRandomAdapter, writeRandomModel } from "../../packages/flux/src/random-model.ts";
import { startApp } from "../../packages/server/src/app.ts";
import type { RunningApp } from "../../packages/server/src/app.ts";
import { projectCreate } from "../../packages/server/src/cli/project-create.ts";
import { readConfig } from "../../packages/server/src/config.ts";
import { openLog } from "../../packages/server/src/log.ts";
import { headerStatements, seedAnswer, seedCommand } from "./seed-page.ts";

const execute = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const modelName = "arsmachina/baroque-space-opera-v1";

/** Without the shipped weights, the same engine draws noise with random ones. */
const hasWeights = existsSync(join(root, "models/starter"));

interface Task {
  [field: string]: unknown;
  id: string;
  status: string;
  socketaccesstoken: string;
  debugerror: string;
  outputs: { name: string; url: string; size: string; contenttype: string }[];
}

interface Answer {
  [field: string]: unknown;
  result: boolean;
  taskid: string;
  socketaccesstoken: string;
  tasklist: [Task];
}

describe("the seed page's commands, with only host, key, secret, ids and tokens changed", () => {
  let app: RunningApp;
  let dataDir: string;
  /** The exported variables of the page's header, made once and used for every command, as the page does. */
  let exported: Record<string, string>;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "atelier-seed-"));
    if (!hasWeights) await writeRandomWeights(join(dataDir, "models"));
    const config = readConfig({ port: "0", data: dataDir }, { ...process.env, PUBLIC_URL: "", ATELIER_MODELS: "" });
    const log = openLog({ level: "silent", pretty: false });
    app = await startApp(config, { log, signal: new AbortController().signal, onLost: () => undefined });
    const project = await projectCreate({ config, log }, { name: "seed", auth: "signature" });
    exported = await exportHeader(project.apikey, project.apisecret ?? "");
  });
  afterAll(async () => {
    await app?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function bash(command: string): Promise<Answer> {
    const { stdout } = await execute("bash", ["-c", command], { env: { ...process.env, ...exported } });
    return JSON.parse(stdout) as Answer;
  }

  const replay = (heading: string, samples: Record<string, string> = {}): Promise<Answer> =>
    bash(seedCommand(heading, { url: app.url, ...samples }));

  const detail = (taskid: string): Promise<Answer> =>
    replay("Get Task Detail - Make HTTP Post Request with Task ID", { "2221": taskid });

  /** Asks by the page's own command until the status is one of these. */
  async function until(taskid: string, statuses: readonly string[]): Promise<Task> {
    for (;;) {
      const [task] = (await detail(taskid)).tasklist;
      if (statuses.includes(task.status)) return task;
      if (task.status === "task_postprocess_end") throw new Error(`the task ended early: ${task.debugerror}`);
      await delay(100);
    }
  }

  /** A task that runs long enough to be killed: 1,200 steps. */
  async function longTask(): Promise<Answer> {
    const body = JSON.stringify({ prompt: "two moons", steps: 150, samples: 8, width: 256, height: 256 });
    const response = await fetch(`${app.url}/v1/Run/${modelName}`, {
      method: "POST",
      headers: {
        "x-api-key": exported["YOUR_API_KEY"] ?? "",
        "x-nonce": exported["NONCE"] ?? "",
        "x-signature": exported["SIGNATURE"] ?? "",
      },
      body,
    });
    return (await response.json()) as Answer;
  }

  it("the README's run command saves a picture, and says where", async () => {
    const readme = await readFile(join(root, "README.md"), "utf8");
    const [line = ""] = /^npx atelier run .*$/m.exec(readme) ?? [];
    const command = line.replace("npx atelier", `"${process.execPath}" "${join(root, "bin/atelier.mjs")}"`);
    const { stdout } = await execute("bash", ["-c", command], { cwd: dataDir, env: { ...process.env, ATELIER_DATA: dataDir } });
    expect(stdout).toContain(join(dataDir, "pictures"));
    expect((await readFile(stdout.trim())).subarray(1, 4).toString()).toBe("PNG");
  });

  it("the page's signature is decorated by OpenSSL", () => {
    expect(exported["SIGNATURE"]).toMatch(/^(SHA2-256)?\(stdin\)= [0-9a-f]{64}$/);
  });

  it("Run, Detail by taskid and by tasktoken: a picture is drawn", async () => {
    const run = await replay("Run Command - Make HTTP Post Request");
    expect(Object.keys(run).toSorted()).toEqual(Object.keys(seedAnswer("Run Command - Response")).toSorted());
    expect(run).toMatchObject({ result: true, errors: [] });

    const finished = await until(run.taskid, ["task_postprocess_end"]);
    expect(finished.debugerror).toBe("");
    expect(finished).toMatchObject({ id: run.taskid, pexit: "0", callbackurl: expect.stringMatching(/^You can provide/) });
    expect(finished["parameters"]).toMatchObject({ scale: "7.5", seed: "64803343", steps: 30 });

    const byToken = await replay("Get Task Detail - Make HTTP Post Request with Socket Access Token", {
      eDcCm5yyUfIvMFspTwww49OUfgXkQt: run.socketaccesstoken,
    });
    expect(byToken).toEqual(await detail(run.taskid));
    expectSameForm(byToken, seedAnswer("Get Task Detail - Response"));
    expect(Number(finished["totalcost"])).toBeCloseTo(0.000585 * Number(finished["elapsedseconds"]), 10);

    const [output] = finished.outputs;
    expect(output?.name).toBe("0.png");
    const { stdout } = await execute("curl", ["-sS", output?.url ?? ""], { encoding: "buffer" });
    expect(stdout.subarray(1, 4).toString()).toBe("PNG");
    expect(String(stdout.length)).toBe(output?.size);
    expect([stdout.readUInt32BE(16), stdout.readUInt32BE(20)]).toEqual([1024, 1024]);
  }, 180_000);

  it("Cancel of a waiting task, Kill of a running one by taskid", async () => {
    const running = await longTask();
    await until(running.taskid, ["task_start", "task_output"]);
    const waiting = await longTask();
    const cancelled = await replay("Cancel Task - Make HTTP Post Request (For tasks on queue)", { "634574": waiting.taskid });
    expectSameForm(cancelled, seedAnswer("Cancel Task - Response"));
    expect(cancelled.tasklist[0]).toMatchObject({ id: waiting.taskid, status: "task_cancel", outputs: [], totalcost: "0" });

    const killed = await replay("Kill Task - Make HTTP Post Request with Task ID", { "534574": running.taskid });
    expectSameForm(killed, seedAnswer("Kill Task - Response"));
    const fields = { status: "task_cancel", pexit: "137", outputs: [], totalcost: "0" };
    expect(killed.tasklist[0]).toMatchObject(fields);
    expect((await detail(running.taskid)).tasklist[0]).toMatchObject(fields);
  }, 60_000);

  it("Kill by socketaccesstoken, and the next task still runs", async () => {
    const running = await longTask();
    await until(running.taskid, ["task_start", "task_output"]);
    const killed = await replay("Kill Task - Make HTTP Post Request with Socket Access Token", {
      ZpYote30on42O4jjHXNiKmrWAZqbRE: running.socketaccesstoken,
    });
    expect(killed.tasklist[0]).toMatchObject({ id: running.taskid, status: "task_cancel", pexit: "137" });
    const run = await replay("Run Command - Make HTTP Post Request");
    expect(await until(run.taskid, ["task_postprocess_end"])).toMatchObject({ pexit: "0" });
  }, 180_000);
});

/** Runs the header's exports in bash and returns what they exported. */
async function exportHeader(apiKey: string, apiSecret: string): Promise<Record<string, string>> {
  const names = ["YOUR_API_KEY", "YOUR_API_SECRET", "NONCE", "SIGNATURE"];
  const print = names.map((name) => `printf '%s\\n' "$${name}"`).join("\n");
  const { stdout } = await execute("bash", ["-c", `${headerStatements({ apiKey, apiSecret })}\n${print}`]);
  const values = stdout.split("\n");
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ""]));
}

async function writeRandomWeights(folder: string): Promise<void> {
  await writeRandomModel(join(folder, "starter"));
  await writeRandomAdapter(join(folder, "adapters/baroque-space-opera.safetensors"));
}

/** Every field that the page prints is there, with a value of the same JSON type. */
function expectSameForm(answer: Answer, printed: Record<string, unknown>): void {
  const { tasklist, ...envelope } = answer;
  const { tasklist: printedTasks, ...printedEnvelope } = printed as { tasklist: Record<string, unknown>[] };
  expect(typesOf(envelope)).toEqual(typesOf(printedEnvelope));
  expect(typesOf(tasklist[0])).toMatchObject(typesOf(printedTasks[0] ?? {}));
  const printedOutput = (printedTasks[0] as unknown as Task).outputs[0];
  for (const output of tasklist[0].outputs) expect(typesOf(output)).toMatchObject(typesOf(printedOutput ?? {}));
}

function typesOf(object: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, value === null ? "null" : Array.isArray(value) ? "list" : typeof value]),
  );
}
