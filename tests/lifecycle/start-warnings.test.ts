// What a server says at its start about settings that work, but not as most people mean them.

import { copyFile, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, it } from "vitest";

import { atelier, ServerProcess, startCommand } from "./server-process.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "atelier-warn-"));
  await mkdir(join(dataDir, "models"));
  await copyFile(join(import.meta.dirname, "../crash/fake-model.json"), join(dataDir, "models/fake.json"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

async function warningsOf(env: Record<string, string>): Promise<string> {
  const server = new ServerProcess({ dataDir, command: [...startCommand(dataDir), "--host", "0.0.0.0"], env });
  await server.ready();
  server.kill("SIGTERM");
  expect(await server.exit()).toBe(0);
  return server.stderr.filter((line) => /^\S+ warn /.test(line)).join("\n");
}

it("a server on all addresses without PUBLIC_URL, and with a model that it cannot run, says both", async () => {
  const warnings = await warningsOf({});
  expect(warnings).toMatch(/public_url_is_local.*127\.0\.0\.1.*Set PUBLIC_URL/s);
  expect(warnings).toMatch(/model_not_runnable.*test\/fake/s);
});

it("a server without models says in which folders it looked, and one whose folder is missing says which", async () => {
  const PUBLIC_URL = "http://images.example";
  const none = await mkdtemp(join(dataDir, "none-"));
  await rm(join(dataDir, "models"), { recursive: true });
  expect(await warningsOf({ PUBLIC_URL, ATELIER_MODELS: none })).toMatch(new RegExp(`no_models.*${none}.*ATELIER_MODELS`, "s"));
  expect(await warningsOf({ PUBLIC_URL, ATELIER_MODELS: join(none, "typo") })).toMatch(new RegExp(`models_folder_missing.*${none}/typo`, "s"));
});

it("a server whose port is taken says so before it makes anything", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an address with a port.
  const port = String((other.address() as AddressInfo).port);
  const folder = join(dataDir, "new");
  const { code, stderr } = await atelier(["serve", "--port", port, "--data", folder]);
  other.close();
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`Port ${port} on 127.0.0.1 is used by another program`) });
  await expect(stat(folder)).rejects.toMatchObject({ code: "ENOENT" });
});

it("a server whose public address and engine are there warns of nothing", async () => {
  expect(await warningsOf({ PUBLIC_URL: "http://images.example", ATELIER_FAKE_ENGINE: "1" })).toBe("");
});

it("a misspelt setting is named by the server, by a worker elsewhere and by prune, with what was meant", async () => {
  const env = { PUBLIC_URL: "http://images.example", ATELIER_FAKE_ENGINE: "1", ATELIER_KEEP_TASK_COUNT: "5" };
  const warning = /config\.unknown_setting setting=ATELIER_KEEP_TASK_COUNT .*Did you mean ATELIER_KEEP_TASKS_COUNT\?/;
  expect(await warningsOf(env)).toMatch(warning);
  const pruned = await atelier(["prune", "--dry-run", "--data", dataDir], env);
  expect(pruned).toMatchObject({ code: 0, stderr: expect.stringMatching(warning) });

  const command = [process.execPath, join(import.meta.dirname, "../../bin/atelier.mjs"), "worker", "--server", "http://127.0.0.1:1"];
  const worker = new ServerProcess({ dataDir, command, env: { ...env, ATELIER_WORKER_TOKEN: "not asked for here" } });
  await worker.line(warning);
  worker.kill("SIGTERM");
  await worker.exit();
});
