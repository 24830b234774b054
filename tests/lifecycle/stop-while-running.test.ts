// A server that is told to stop while an engine draws: every process ends with it, and the task is drawn by the next server. One that ends in time ends with it.

import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { identifyProcess, isStillRunning } from "../../packages/server/src/process-identity.ts";
import type { ProcessIdentity } from "../../packages/server/src/process-identity.ts";
import { atelier, commandOf, postmasterOf, processesOf, ServerProcess } from "./server-process.ts";

/** Longer than the drain of a server that stops, so that the task goes back to the queue. */
const input = { prompt: "slow stepMs=600", steps: "20" };
const env = { ATELIER_FAKE_ENGINE: "1", ATELIER_LOG_LEVEL: "debug" };

let dataDir: string;
let server: ServerProcess;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "atelier-busy-"));
  await mkdir(join(dataDir, "models"));
  await copyFile(join(import.meta.dirname, "../crash/fake-model.json"), join(dataDir, "models/fake.json"));
});

afterEach(async () => {
  server.kill("SIGKILL");
  await server.exit();
  for (const pid of await processesOf(dataDir)) process.kill(pid, "SIGKILL");
  await rm(dataDir, { recursive: true, force: true });
});

async function identify(pids: readonly number[]): Promise<ProcessIdentity[]> {
  const found = await Promise.all(pids.map(identifyProcess));
  return found.filter((identity) => identity !== undefined);
}

async function call(url: string, apiKey: string, body: object): Promise<Record<string, unknown>> {
  const headers = { "x-api-key": apiKey, "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  // The wire's answers are JSON objects.
  return (await response.json()) as Record<string, unknown>;
}

it("SIGTERM while a task runs ends the server, its engine and its PostgreSQL, and the next server ends the task", { timeout: 180_000 }, async () => {
  const created = await atelier(["project", "create", "busy", "--auth", "key", "--data", dataDir, "--json"]);
  const { apikey } = JSON.parse(created.stdout) as { apikey: string };
  server = new ServerProcess({ dataDir, env });
  const { taskid } = await call(`${await server.ready()}/v1/Run/test/fake`, apikey, input);
  await server.line(/task\.moved.*status=task_start\b/);

  const pids = await processesOf(dataDir);
  const commands = await Promise.all(pids.map(commandOf));
  expect(commands).toContainEqual(expect.stringContaining("engines/fake/main.mjs"));
  expect(pids).toEqual(expect.arrayContaining([server.pid, await postmasterOf(dataDir)]));
  const before = await identify(pids);
  server.kill("SIGTERM");
  expect(await server.exit()).toBe(0);
  const alive = await Promise.all(before.map(isStillRunning));
  expect(before.filter((_identity, index) => alive[index])).toEqual([]);
  expect(await processesOf(dataDir)).toEqual([]);

  server = new ServerProcess({ dataDir, env });
  const url = await server.ready();
  const task = await vi.waitUntil(async () => {
    const { tasklist } = await call(`${url}/v1/Task/Detail`, apikey, { taskid });
    // The task's own detail: a list of one.
    const [shown] = tasklist as { status: string; pexit: string }[];
    return shown?.status === "task_postprocess_end" && shown;
  }, 120_000);
  expect(task.pexit).toBe("0");
  server.kill("SIGTERM");
  expect(await server.exit()).toBe(0);
});

it("while a running task ends, a server that was told to stop is not ready, lives, and shows the end to who follows", async () => {
  const created = await atelier(["project", "create", "busy", "--auth", "key", "--data", dataDir, "--json"]);
  const { apikey } = JSON.parse(created.stdout) as { apikey: string };
  server = new ServerProcess({ dataDir, env });
  const url = await server.ready();
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  // Three seconds: shorter than the drain.
  const answer = call(`${url}/v1/Run/test/fake/sync`, apikey, { prompt: "slow stepMs=300", steps: "10" });
  await server.line(/task\.moved.*status=task_start\b/);
  server.kill("SIGTERM");
  await vi.waitUntil(async () => (await fetch(`${url}/readyz`)).status === 503);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect(await answer).toMatchObject({ result: true, tasklist: [{ status: "task_postprocess_end", pexit: "0" }] });
  expect(await server.exit()).toBe(0);
});
