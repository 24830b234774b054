// The tools over streamable HTTP: a real client on a real port, with the credentials that MCP clients can send.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, beforeAll, expect, it } from "vitest";

import { authHeaders } from "../../packages/server/src/cli/api-client.ts";
import { admit } from "../../packages/server/src/http/admitted-callers.ts";
import type { Caller } from "../../packages/server/src/http/http-deps.ts";
import { signedHeaders, startTestServer } from "../../packages/server/src/http/test-server.ts";
import type { TestServer } from "../../packages/server/src/http/test-server.ts";
import { loadModels } from "../../packages/server/src/models/registry.ts";
import { changeSignatureV2 } from "../../packages/server/src/projects/access-settings.ts";
import { createProject } from "../../packages/server/src/projects/create-project.ts";
import { documentedConfigurations, withKeys } from "./documented-configurations.ts";
import { exerciseTools, openClient, use } from "./exercise-tools.ts";

const model = "atelier/starter";
let server: TestServer;
let url: URL;
let pictures: Server;
let picture: string;
const clients: Client[] = [];

beforeAll(async () => {
  server = await startTestServer();
  await server.app.listen({ host: "127.0.0.1", port: 0 });
  const png = await readFile(join(import.meta.dirname, "picture.png"));
  pictures = createServer((_request, response) => response.end(png)).listen(0, "127.0.0.1");
  await new Promise((resolve) => pictures.once("listening", resolve));
  // Listening TCP servers have an address with a port.
  url = new URL(`http://127.0.0.1:${(server.app.server.address() as AddressInfo).port}/mcp`);
  picture = `http://127.0.0.1:${(pictures.address() as AddressInfo).port}/moon.png`;
});
afterAll(async () => {
  for (const client of clients) await client.close();
  pictures.close();
  await server.stop();
});

async function connect(headers: Record<string, string>, to = url): Promise<Client> {
  const client = openClient();
  clients.push(client);
  const transport = new StreamableHTTPClientTransport(to, { requestInit: { headers } });
  await client.connect(transport as Parameters<Client["connect"]>[0]);
  return client;
}

const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

it("all tools answer by their own schemas, to a key and secret in one bearer", async () => {
  const client = await connect(bearer(`${server.mine.apikey}:${server.mine.apisecret}`));
  await exerciseTools(client, { model, file: picture });
});

it("explore says how many models a category has, also of those that it does not show", async () => {
  const folder = await mkdtemp(join(tmpdir(), "atelier-many-"));
  const sample = JSON.parse(await readFile(join(import.meta.dirname, "../../models/starter.json"), "utf8")) as object;
  for (let id = 1; id <= 15; id += 1) await writeFile(join(folder, `${id}.json`), JSON.stringify({ ...sample, id: String(id), slug: `Starter ${id}` }));
  const many = await startTestServer({ models: await loadModels([folder]) });
  await many.app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = many.app.server.address() as AddressInfo;
  const client = await connect(bearer(many.keyOnly.apikey), new URL(`http://127.0.0.1:${port}/mcp`));
  const { categories } = (await use(client, "explore")) as { categories: { total: number; models: object[] }[] };
  expect(categories.map(({ total, models }) => [total, models.length])).toEqual([[15, 12], [15, 12]]);
  await client.close();
  await many.stop();
  await rm(folder, { recursive: true });
});

it("takes the configuration that docs/mcp.md shows, with its address and key in place", async () => {
  const [shown] = await documentedConfigurations();
  const { url: address, headers } = shown?.mcpServers.atelier ?? {};
  expect(address).toBe("http://127.0.0.1:8420/mcp");
  const client = await connect(Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, withKeys(value, server.mine)])));
  expect(await use(client, "list_tasks")).toMatchObject({ start: 0 });
});

it("takes the headers of every other client, and the key alone from a project without signatures", async () => {
  const signed = await connect(signedHeaders(server.mine));
  expect(await use(signed, "list_tasks")).toMatchObject({ start: 0, limit: 20 });
  const keyOnly = await connect(bearer(server.keyOnly.apikey));
  expect(await use(keyOnly, "list_tasks")).toMatchObject({ total: 0, tasks: [], nextStart: null });
});

it("waits for the end of a task and answers it, and only its owner", async () => {
  const client = await connect(bearer(`${server.mine.apikey}:${server.mine.apisecret}`));
  const other = await connect(bearer(server.keyOnly.apikey));
  const { task } = (await use(client, "run_model", { model, params: { prompt: "moon" }, wait: false })) as { task: { id: string; token: string } };
  await expect(use(other, "wait_for_task", { tasktoken: task.token })).rejects.toThrow("There is no task yet.");
  await expect(use(other, "cancel_task", { taskid: task.id })).rejects.toThrow("There is no task yet.");
  const waiting = use(client, "wait_for_task", { tasktoken: task.token });
  await server.db.query("update tasks set status = 'task_postprocess_end', pexit = '1' where id = $1", [task.id]);
  expect(await waiting).toMatchObject({ state: "failed", task: { exitCode: "1" } });
  expect(await use(client, "get_task_price", { taskid: task.id })).toMatchObject({ billed: false, costUsd: 0 });
});

it.each(["", "Bearer", "Bearer nobody:nothing", "Bearer nobody"])("refuses the credentials %j with 401", async (authorization) => {
  const response = await fetch(url, { method: "POST", headers: { authorization }, body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' });
  expect(response.status).toBe(401);
});

it("refuses a wrong secret, and a key without its secret", async () => {
  for (const text of [`${server.mine.apikey}:wrong`, server.mine.apikey]) {
    const response = await fetch(url, { method: "POST", headers: bearer(text), body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' });
    expect(response.status).toBe(401);
  }
});

it("takes messages signed by signature v2, each once, and nothing else where they are required", async () => {
  const deps = { db: server.db, masterKey: server.masterKey };
  const strict = await createProject(deps, { name: "strict", auth: "signature" });
  await changeSignatureV2(deps, strict.projectid, "required");
  const payload = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "list_tasks", arguments: {} } });
  const ask = (headers: Record<string, string>, body = payload) => server.app.inject({ method: "POST", url: "/mcp", headers, payload: body });
  const signed = () => authHeaders({ apiKey: strict.apikey, apiSecret: strict.apisecret }, { target: "/mcp", body: payload });
  const headers = signed();
  expect((await ask(headers)).json()).toMatchObject({ result: { structuredContent: { total: 0 } } });
  expect((await ask(headers)).statusCode, "the same again").toBe(401);
  expect((await ask(signed(), payload.replace("list_tasks", "explore"))).statusCode, "another body").toBe(401);
  expect((await ask(signedHeaders(strict))).statusCode).toBe(401);
  expect((await ask(bearer(`${strict.apikey}:${strict.apisecret}`))).statusCode).toBe(401);
});

it("lets nobody in by a ticket that was not drawn here, or whose request is over", async () => {
  const admission = admit({ id: server.mine.projectid, auth: "signature" } as Caller);
  const ask = async (headers: Record<string, string>) => (await server.app.inject({ method: "POST", url: "/v1/Task/List", headers, payload: "{}" })).statusCode;
  expect(await ask({ ...admission.headers })).toBe(200);
  admission.end();
  expect(await ask({ ...admission.headers })).toBe(401);
  expect(await ask({ "x-atelier-admitted": "" })).toBe(401);
});

it("takes a bearer on no other route", async () => {
  const headers = bearer(`${server.mine.apikey}:${server.mine.apisecret}`);
  const response = await server.app.inject({ method: "POST", url: "/v1/Task/List", headers, payload: "{}" });
  expect(response.statusCode).toBe(401);
});

it("tells nobody the words of its own faults, and writes them to the log", async () => {
  const outbound = { download: () => Promise.reject(new Error("secret path")) };
  const faulty = await startTestServer({ outbound });
  const call = { name: "upload_file", arguments: { url: picture } };
  const payload = { jsonrpc: "2.0", id: 1, method: "tools/call", params: call };
  const { body } = await faulty.app.inject({ method: "POST", url: "/mcp", headers: signedHeaders(faulty.mine), payload });
  expect(body).toContain("The server failed.");
  expect(body).not.toContain("secret");
  expect(faulty.logged.map(({ msg }) => msg)).toContain("mcp.fault");
  await faulty.stop();
});

it("has no stream of its own", async () => {
  expect((await fetch(url)).status).toBe(405);
});

const ping = { jsonrpc: "2.0", id: 1, method: "ping" };

it.each([
  ["broken JSON", '{"jsonrpc":"2.0",', -32700],
  ["no JSON at all", "hello", -32700],
  ["nothing", "", -32700],
  ["bytes that are no UTF-8", Buffer.from([0x22, 0xff, 0x22]), -32700],
  ["JSON that is nested without end", "[".repeat(1000), -32700],
  ["another object", '{"hello":1}', -32600],
  ["another version of JSON-RPC", JSON.stringify({ ...ping, jsonrpc: "1.0" }), -32600],
  ["a batch", JSON.stringify([ping, { ...ping, id: 2 }]), -32600],
  ["an empty batch", "[]", -32600],
  ["a bare value", "7", -32600],
])("answers %s as JSON-RPC does", async (_what, body, code) => {
  const response = await fetch(url, { method: "POST", headers: { ...signedHeaders(server.mine), "content-type": "application/json" }, body });
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({ jsonrpc: "2.0", id: null, error: { code, message: expect.stringMatching(/body must be/) } });
});

it("holds the addresses that a project is limited to, also for what a tool asks", async () => {
  await server.db.query("update projects set allowed_addresses = '{192.0.2.1}' where id = $1", [server.other.projectid]);
  const post = (remoteAddress: string) =>
    server.app.inject({
      method: "POST",
      url: "/mcp",
      remoteAddress,
      headers: bearer(`${server.other.apikey}:${server.other.apisecret}`),
      payload: { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "list_tasks", arguments: {} } },
    });
  expect((await post("192.0.2.2")).statusCode).toBe(401);
  expect((await post("192.0.2.1")).json()).toMatchObject({ result: { structuredContent: { total: 0 } } });
});
