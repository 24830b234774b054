// Remote workers as real processes beside a real server that has no worker of its own.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, expect, it } from "vitest";

import { workerProtocolVersion } from "../../packages/schema/src/worker-messages.ts";
import { atelier } from "../lifecycle/server-process.ts";
import { RemoteWorld } from "./remote-world.ts";
import { FaultyProxy } from "./faulty-proxy.ts";

let world: RemoteWorld;
beforeAll(async () => {
  world = await RemoteWorld.open();
}, 180_000);
afterEach(() => world.endWorkers());
afterAll(() => world.close());

const slow = { prompt: "slow stepMs=100", steps: "60" };

it("a picture is drawn by the starter engine on a worker that reaches only the API", async () => {
  const worker = await world.work({ args: ["--json"], env: { ATELIER_LOG_FORMAT: "pretty" } });
  const id = await world.run({ prompt: "a red planet", steps: "2", width: "128", height: "128", seed: "7" }, "arsmachina/baroque-space-opera-v1");
  expect(await world.ended(id)).toMatchObject({ pexit: "0", attempt: 1, outputs: "1" });
  await world.oneResult(id);
  const { tasklist } = await world.call("/Task/Detail", { taskid: id });
  const url = (tasklist as { outputs: { url: string }[] }[])[0]?.outputs[0]?.url ?? "";
  const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
  expect(bytes.subarray(1, 4).toString("latin1")).toBe("PNG");
  // Logs are JSON, and neither they nor the process title hold the token.
  expect(worker.stderr.map((line) => (JSON.parse(line) as { msg: string }).msg)).toContain("task.claimed");
  const shown = [...worker.stderr, ...worker.stdout, await readFile(`/proc/${worker.pid}/cmdline`, "latin1")].join("\n");
  expect(shown).not.toContain(world.token.split("_").at(-1));
}, 180_000);

it("a token on the command line is not in the process's title", async () => {
  const worker = await world.work({ args: ["--token", world.token], token: "" });
  const title = await readFile(`/proc/${worker.pid}/cmdline`, "latin1");
  expect(title).toContain("atelier worker");
  expect(title).not.toContain(world.token);
}, 120_000);

it("when a worker is killed, another one has its task as soon as the lease has run out, and there is one result", async () => {
  const first = await world.work();
  const id = await world.run(slow);
  await world.drawing(id);
  const second = await world.work();
  first.kill("SIGKILL");
  await world.until(id, (task) => task.attempt === 2 && task.status !== "task_queue");
  expect(await world.ended(id)).toMatchObject({ pexit: "0", attempt: 2 });
  await world.oneResult(id);
  expect(second.stderr.some((line) => line.includes(`taskId=${id}`))).toBe(true);
}, 180_000);

it("a worker that was frozen past its lease and wakes up changes nothing", async () => {
  const first = await world.work();
  const id = await world.run(slow);
  await world.drawing(id);
  first.kill("SIGSTOP");
  await world.work();
  await world.until(id, (task) => task.attempt === 2 && task.status === "task_output");
  first.kill("SIGCONT");
  await first.line(/task\.fence_lost/);
  expect(await world.ended(id)).toMatchObject({ pexit: "0", attempt: 2 });
  await world.oneResult(id);
}, 180_000);

it("a kill stops the engine of a remote worker without waiting for a heartbeat", async () => {
  const proxy = await FaultyProxy.open(world.url);
  const worker = await world.work({ url: proxy.url });
  const id = await world.run({ prompt: "slow stepMs=200", steps: "150" });
  await world.drawing(id);
  // From now on no renewal reaches the server: only the open watch can tell of the kill. (Its own name is as long.)
  proxy.change = replacing("/worker/v1/renew", "/worker/v1/never");
  await worker.line(/worker\.server_away/);
  expect(await world.call("/Task/Kill", { taskid: id })).toMatchObject({ result: true });
  // Logged when the engine has stopped and its worker was refused.
  await worker.line(new RegExp(`task\\.(fence_lost|engine_stopped).*taskId=${id}`));
  expect(await world.ended(id)).toMatchObject({ status: "task_cancel", pexit: "137", outputs: "0" });
  await proxy.close();
}, 120_000);

it("a worker whose server is away says so once, and once that it is back", async () => {
  const worker = await world.work();
  world.server.kill("SIGKILL");
  await worker.line(/worker\.server_away.*(ECONN|socket|closed|terminated)/i);
  await world.killServer();
  await worker.line(/worker\.server_back/);
  for (const event of ["server_away", "server_back"]) expect(worker.stderr.filter((line) => line.includes(`worker.${event}`))).toHaveLength(1);
  expect(worker.stderr.join("\n")).not.toContain("Try again in a few seconds");
}, 120_000);

it("a worker whose token is unknown is refused and never says that it works", async () => {
  const worker = world.launch({ token: `atw_${"0".repeat(40)}` });
  expect(await worker.exit()).toBe(1);
  expect(worker.stdout).toEqual([]);
  expect(worker.stderr.join("\n")).toContain(`${world.url} refuses this worker`);
});

it("a worker is refused a folder of weights that is not there", async () => {
  const worker = world.launch({ args: ["--models", "/nowhere/weights"] });
  expect(await worker.exit()).toBe(1);
  expect(worker.stderr.join("\n")).toMatch(/There is no folder \/nowhere\/weights[^]*--models/);
});

it("a worker outlasts a kill -9 of its server and its restart, and the task has one result", async () => {
  const worker = await world.work();
  const id = await world.run(slow);
  await world.drawing(id);
  await world.killServer();
  expect(await world.ended(id)).toMatchObject({ pexit: "0", outputs: "1" });
  await world.oneResult(id);
  const next = await world.run({ prompt: "after" });
  expect(await world.ended(next)).toMatchObject({ pexit: "0" });
  expect(worker.stderr.some((line) => line.includes("worker.refused"))).toBe(false);
}, 240_000);

it("a connection that died without a word costs no lease", async () => {
  const proxy = await FaultyProxy.open(world.url);
  await world.work({ url: proxy.url });
  const id = await world.run(slow);
  await world.drawing(id);
  expect(proxy.silence()).toBeGreaterThan(0);
  expect(await world.ended(id)).toMatchObject({ pexit: "0", attempt: 1 });
  await world.oneResult(id);
  await proxy.close();
}, 180_000);

it("an upload on a connection that died without a word is sent again on another", async () => {
  const proxy = await FaultyProxy.open(world.url);
  let silenced = 0;
  proxy.change = (bytes) => {
    if (silenced === 0 && bytes.includes("PUT /worker/v1/tasks/")) silenced = proxy.silence();
    return bytes;
  };
  await world.work({ url: proxy.url });
  const id = await world.run({ prompt: "x" });
  expect(await world.ended(id)).toMatchObject({ pexit: "0", attempt: 1, outputs: "1" });
  expect(silenced).toBeGreaterThan(0);
  await world.oneResult(id);
  await proxy.close();
}, 120_000);

it("SIGTERM hands a task back that does not end in time, and the worker ends with 0", async () => {
  const worker = await world.work({ args: ["--drain", "1s"] });
  const id = await world.run({ prompt: "slow stepMs=100", steps: "150" });
  await world.drawing(id);
  worker.kill("SIGTERM");
  expect(await world.until(id, (task) => task.status === "task_queue")).toMatchObject({ attempt: 1 });
  expect(await worker.exit()).toBe(0);
  await world.call("/Task/Cancel", { taskid: id });
}, 120_000);

it("SIGTERM lets a running task end, and the worker takes no other", async () => {
  const worker = await world.work({ args: ["--drain", "60s"] });
  const id = await world.run(slow);
  await world.drawing(id);
  const next = await world.run({ prompt: "for another" });
  worker.kill("SIGTERM");
  expect(await worker.exit()).toBe(0);
  expect(await world.ended(id)).toMatchObject({ pexit: "0", attempt: 1 });
  expect(await world.until(next, () => true)).toMatchObject({ status: "task_queue", attempt: 0 });
  await world.call("/Task/Cancel", { taskid: next });
}, 120_000);

it.each([
  ["an older", "0"],
  ["a newer", "3"],
])("%s worker is refused, and the words say which version to install", async (_which, protocol) => {
  const proxy = await FaultyProxy.open(world.url);
  proxy.change = replacing(`x-atelier-worker-protocol: ${workerProtocolVersion}`, `x-atelier-worker-protocol: ${protocol}`);
  const worker = world.launch({ url: proxy.url });
  expect(await worker.exit()).toBe(1);
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, "../../package.json"), "utf8")) as { version: string };
  const words = worker.stderr.join("\n");
  expect(words).toContain(`Atelier ${version} with worker protocol ${workerProtocolVersion}; the worker's is ${protocol}`);
  expect(words).toContain(`Install Atelier ${version}`);
  await proxy.close();
}, 120_000);

it("a token that is revoked while its worker draws stops the worker, and another one takes the task", async () => {
  const token = await world.newToken("leaving");
  const worker = await world.work({ token });
  const id = await world.run({ prompt: "slow stepMs=100", steps: "600" });
  await world.drawing(id);
  expect((await atelier(["worker-token", "revoke", "leaving", "--data", world.dataDir])).code).toBe(0);
  expect(await worker.exit()).toBe(1);
  expect(worker.stderr.join("\n")).toContain("atelier worker-token create NAME");
  await world.work();
  await world.until(id, (task) => task.status === "task_output" && task.attempt === 2);
  expect(await world.call("/Task/Kill", { taskid: id })).toMatchObject({ result: true });
}, 180_000);

it("a worker that waits behind a connection which died without a word still gets a task", async () => {
  const proxy = await FaultyProxy.open(world.url);
  const claims = new Promise<void>((resolve) => {
    proxy.change = (bytes) => {
      if (bytes.includes("POST /worker/v1/claim ")) resolve();
      return bytes;
    };
  });
  await world.work({ url: proxy.url });
  await claims;
  // The server's answer to it goes nowhere.
  expect(proxy.silence()).toBeGreaterThan(0);
  const id = await world.run({ prompt: "x" });
  expect(await world.ended(id)).toMatchObject({ pexit: "0", attempt: 2 });
  await world.oneResult(id);
  await proxy.close();
}, 180_000);

it("a worker with a revoked token ends and says what to do", async () => {
  const token = await world.newToken("revoked");
  const worker = await world.work({ token });
  expect((await atelier(["worker-token", "revoke", "revoked", "--data", world.dataDir])).code).toBe(0);
  const id = await world.run({ prompt: "for nobody" });
  expect(await worker.exit()).toBe(1);
  expect(worker.stderr.join("\n")).toContain("atelier worker-token create NAME");
  await world.call("/Task/Cancel", { taskid: id });
  const listed = await atelier(["worker-token", "list", "--data", world.dataDir, "--json"]);
  expect(JSON.parse(listed.stdout)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: "tests", revokedAt: null }),
      expect.objectContaining({ name: "revoked", revokedAt: expect.any(String) }),
    ]),
  );
}, 120_000);

it("nothing of all that is left among the uploads", async () => {
  const db = await world.db();
  const id = await world.run({ prompt: "the last" });
  await world.work();
  await world.ended(id);
  // Removed behind the statement that ends the task; the rest by the sweep.
  const left = async (): Promise<unknown> => (await db.query("select 1 from upload_pieces where task_id = $1", [id])).rows;
  await expect.poll(left, { timeout: 30_000 }).toEqual([]);
  await expect.poll(() => readdir(join(world.dataDir, "tmp/worker-outputs")), { timeout: 30_000 }).toEqual([]);
});

/** Of the same length, on its way through a proxy. */
function replacing(text: string, by: string): (bytes: Buffer) => Buffer {
  return (bytes) => Buffer.from(bytes.toString("latin1").replaceAll(text, by), "latin1");
}
