// A remote worker that reaches its server by https, as through a reverse proxy with a certificate of its own.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import type { Server } from "node:tls";

import { afterAll, afterEach, beforeAll, expect, it } from "vitest";

import { RemoteWorld } from "./remote-world.ts";

let world: RemoteWorld;
let proxy: Server;
let url = "";
let certificate = "";

beforeAll(async () => {
  world = await RemoteWorld.open();
  certificate = join(world.dataDir, "certificate.pem");
  const key = join(world.dataDir, "certificate.key");
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, "-keyout", key, "-out", certificate], { stdio: "pipe" });
  proxy = await forwardTls(world.url, { key: await readFile(key), cert: await readFile(certificate) });
  // A listening TCP server has an address with a port.
  url = `https://localhost:${(proxy.address() as AddressInfo).port}`;
}, 180_000);
afterEach(() => world.endWorkers());
afterAll(async () => {
  proxy.close();
  await world.close();
});

it("a worker draws for a server with a certificate that it is told to trust, without a word about encryption", async () => {
  const worker = await world.work({ url, env: { NODE_EXTRA_CA_CERTS: certificate } });
  const id = await world.run({ prompt: "a red planet" });
  expect(await world.ended(id)).toMatchObject({ pexit: "0", outputs: "1" });
  await world.oneResult(id);
  expect(worker.stderr.join("\n")).not.toContain("worker.unencrypted");
}, 120_000);

it("a worker does not send its token to a server whose certificate nobody vouches for", async () => {
  const worker = world.launch({ url });
  expect(await worker.line(/worker\.server_away/)).toMatch(/self.signed/i);
}, 120_000);

it("a worker that sends its token in the clear to another host says so", async () => {
  // Not the loopback by name; the system takes it for this machine.
  const { port } = new URL(world.url);
  const worker = await world.work({ url: `http://0.0.0.0:${port}` });
  await worker.line(/worker\.unencrypted/);
}, 120_000);

/** Takes TLS off and passes the bytes on. */
async function forwardTls(target: string, secrets: { key: Buffer; cert: Buffer }): Promise<Server> {
  const { hostname, port } = new URL(target);
  const server = createServer(secrets, (client) => {
    const upstream = connect(Number(port), hostname);
    client.pipe(upstream).pipe(client);
    const end = (): void => void (client.destroy(), upstream.destroy());
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
