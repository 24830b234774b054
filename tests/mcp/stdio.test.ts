// The tools over stdio: a real client starts `atelier mcp`, which speaks to a real server with the deterministic engine.

import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { expect, it } from "vitest";

import { ServerProcess } from "../lifecycle/server-process.ts";
import { documentedConfigurations, withKeys } from "./documented-configurations.ts";
import { exerciseTools, openClient, use } from "./exercise-tools.ts";

const execute = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const bin = join(root, "bin/atelier.mjs");

it("all tools answer by their own schemas, a run is waited for, and the configuration that docs/mcp.md shows connects", { timeout: 180_000 }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "atelier-mcp-"));
  await mkdir(join(dataDir, "models"));
  await copyFile(join(import.meta.dirname, "../crash/fake-model.json"), join(dataDir, "models/fake.json"));
  const server = new ServerProcess({ dataDir, env: { ATELIER_FAKE_ENGINE: "1", ATELIER_OUTBOUND_ALLOW: "127.0.0.1" } });
  const png = await readFile(join(import.meta.dirname, "picture.png"));
  const pictures = createServer((_request, response) => response.end(png)).listen(0, "127.0.0.1");
  const client = openClient();
  const documented = openClient();
  try {
    await server.ready();
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [bin, "mcp", "--data", dataDir] }));
    const drawn = await use(client, "run_model", { model: "test/fake", params: { prompt: "a moon", steps: 2 } });
    expect(drawn).toMatchObject({ state: "completed", outputs: [{ kind: "image", mimeType: "image/png" }], task: { exitCode: "0" } });
    const token = (drawn["task"] as { token: string }).token;
    expect(await use(client, "wait_for_task", { tasktoken: token })).toEqual(drawn);
    // A listening TCP server has an address with a port.
    const file = `http://127.0.0.1:${(pictures.address() as AddressInfo).port}/moon.png`;
    await exerciseTools(client, { model: "test/fake", file });
    // The same session goes on when its project asks for the stricter signature: every message is signed in both forms.
    await execute(process.execPath, [bin, "project", "signature-v2", "local", "required", "--data", dataDir]);
    expect(await use(client, "wait_for_task", { tasktoken: token })).toEqual(drawn);

    const { stdout } = await execute(process.execPath, [bin, "project", "create", "documented", "--data", dataDir, "--json"]);
    const keys = JSON.parse(stdout) as { apikey: string; apisecret: string };
    const { command = "", args: shown = [], env = {} } = (await documentedConfigurations())[1]?.mcpServers.atelier ?? {};
    const stands: Record<string, string> = { "/path/to/atelier": root, "http://127.0.0.1:8420": await server.ready() };
    const put = (text: string): string => stands[text] ?? withKeys(text, keys);
    const asShown = { command, args: shown.map(put), env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, put(value)])) };
    await documented.connect(new StdioClientTransport(asShown));
    expect(await use(documented, "list_tasks")).toMatchObject({ total: 0 });
  } finally {
    await documented.close();
    await client.close();
    pictures.close();
    server.kill("SIGTERM");
    await server.exit();
    await rm(dataDir, { recursive: true, force: true });
  }
});

it("a server that closes each connection at once is told of, and is not silence", async () => {
  const closing = createTcpServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => closing.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an address with a port.
  const url = `http://127.0.0.1:${(closing.address() as AddressInfo).port}`;
  const client = openClient();
  // Without helpers WebAssembly is compiled slowly: what misses the end of a connection meanwhile misses it each time.
  const args = ["--wasm-num-compilation-tasks=0", bin, "mcp", "--url", url];
  const transport = new StdioClientTransport({ command: process.execPath, args, env: { ATELIER_API_KEY: "key" } });
  await expect(client.connect(transport)).rejects.toThrow(`No server answers at ${url}`);
  closing.close();
});
