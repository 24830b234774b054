import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, expect, test } from "vitest";

import { openOutbound } from "./outbound.ts";
import type { Outbound, OutboundOptions } from "./outbound.ts";

const cleanups: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const certificates = join(import.meta.dirname, "../../../../tests/webhooks/certificates");

async function listen(server: Server, host = "127.0.0.1"): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  // A listening TCP server has an address with a port.
  return (server.address() as AddressInfo).port;
}

async function serve(listener: RequestListener, host?: string): Promise<{ port: number; url: string }> {
  const server = createServer(listener);
  cleanups.push(() => server.closeAllConnections());
  const port = await listen(server, host);
  return { port, url: `http://127.0.0.1:${port}/` };
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "atelier-outbound-"));
  cleanups.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

const open = (options: OutboundOptions = {}): Outbound => openOutbound({ allow: ["127.0.0.1"], ...options });
const post = (outbound: Outbound, url: string, timeoutMs = 5_000) =>
  outbound.post({ url, headers: { "content-type": "application/json" }, body: Buffer.from("{}"), timeoutMs });
const failsWith = (code: string) => expect.objectContaining({ code });

test("a post arrives whole, and any 2xx is a success", async () => {
  const seen: string[] = [];
  const { url } = await serve((request, response) => {
    request.setEncoding("utf8").on("data", (text: string) => seen.push(`${request.method} ${request.url} ${text}`));
    request.on("end", () => response.writeHead(204).end());
  });
  expect(await post(open(), `${url}a?b=c#d`)).toEqual({ status: 204 });
  expect(seen).toEqual(["POST /a?b=c {}"]);
});

test("a redirect of a post is refused and not followed, and other statuses are failures that tell it", async () => {
  const paths: string[] = [];
  const { url } = await serve((request, response) => {
    paths.push(request.url ?? "");
    const status = Number(request.url?.slice(1));
    response.writeHead(status, { location: "/200" }).end();
  });
  for (const status of [301, 302, 303, 307, 308]) {
    await expect(post(open(), `${url}${status}`)).rejects.toMatchObject({ code: "redirect-refused", status });
  }
  for (const status of [400, 404, 410, 429, 500, 503]) {
    await expect(post(open(), `${url}${status}`)).rejects.toMatchObject({ code: "http-status", status });
  }
  expect(paths).not.toContain("/200");
});

test("an answer that does not come ends with the time limit, and a stop ends it at once", async () => {
  const { url } = await serve(() => undefined);
  await expect(post(open(), url, 50)).rejects.toThrow(failsWith("timed-out"));
  const controller = new AbortController();
  const waiting = open().post({ url, headers: {}, body: Buffer.alloc(0), signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toThrow(failsWith("stopped"));
});

test("a name that is never resolved ends with the time limit", async () => {
  const outbound = open({ resolveName: () => new Promise(() => undefined) });
  await expect(post(outbound, "http://slow.test/", 50)).rejects.toThrow(failsWith("timed-out"));
});

test("a body that never ends does not keep a post waiting", async () => {
  const { url } = await serve((_request, response) => {
    response.writeHead(200);
    response.write("more");
  });
  expect(await post(open(), url)).toEqual({ status: 200 });
});

test("a closed port, a cut connection, nonsense and an endless head are told apart", async () => {
  const gone = await serve(() => undefined);
  await cleanups.pop()?.();
  const cut = await serve((request) => request.socket.destroy());
  const nonsense = await listen(createTcpServer((socket) => void socket.resume().end("SSH-2.0-nonsense\r\n\r\n")));
  const endless = await serve((_request, response) => void response.writeHead(200, { long: "x".repeat(40_000) }).end());
  await expect(post(open(), gone.url)).rejects.toThrow(failsWith("connect-failed"));
  await expect(post(open(), cut.url)).rejects.toThrow(failsWith("connection-lost"));
  await expect(post(open(), `http://127.0.0.1:${nonsense}/`)).rejects.toThrow(failsWith("response-invalid"));
  await expect(post(open(), endless.url)).rejects.toThrow(failsWith("response-invalid"));
});

test("a name is resolved once, and the connection goes to the address that was checked", async () => {
  const { port } = await serve((request, response) => void response.end(request.headers.host));
  const asked: string[] = [];
  const answers = [["127.0.0.1"], ["169.254.169.254"]];
  const outbound = open({ resolveName: async (name) => (asked.push(name), answers.shift() ?? []) });
  expect(await post(outbound, `http://rebinding.test:${port}/`)).toEqual({ status: 200 });
  expect(asked).toEqual(["rebinding.test"]);
  await expect(post(outbound, `http://rebinding.test:${port}/`)).rejects.toThrow(failsWith("address-refused"));
});

test("one private address among public ones refuses the name", async () => {
  const { port } = await serve((_request, response) => void response.end());
  for (const mixed of [["8.8.8.8", "127.0.0.2"], ["127.0.0.1", "::1"], ["fe80::1%lo"], ["0177.0.0.1"], ["localhost"]]) {
    const outbound = open({ resolveName: async () => mixed });
    await expect(post(outbound, `http://mixed.test:${port}/`), String(mixed)).rejects.toThrow(failsWith("address-refused"));
  }
});

test("a listed name is resolved by the machine itself and may lead inwards; the same name unlisted may not", async () => {
  const { port } = await serve((_request, response) => void response.end());
  expect(await post(openOutbound({ allow: ["localhost"] }), `http://localhost:${port}/`)).toEqual({ status: 200 });
  await expect(post(openOutbound(), `http://localhost:${port}/`)).rejects.toThrow();
  const unlisted = openOutbound({ resolveName: async () => ["127.0.0.1"] });
  await expect(post(unlisted, `http://localhost:${port}/`)).rejects.toThrow(failsWith("address-refused"));
});

test("a name without addresses is unknown, which may pass", async () => {
  const outbound = open({ resolveName: () => Promise.reject(new Error("ENOTFOUND")) });
  await expect(post(outbound, "http://nowhere.test/")).rejects.toMatchObject({ code: "name-unknown", isRefusal: false });
});

test("a host with TLS must prove the name in the URL, whatever address it was pinned to", async () => {
  const [cert, key] = await Promise.all(
    ["receiver-cert.pem", "receiver-key.pem"].map((name) => readFile(join(certificates, name), "utf8")),
  );
  const port = await listen(createTlsServer({ cert, key }, (_request, response) => void response.end()));
  const resolveName = async (): Promise<string[]> => ["127.0.0.1"];
  const trusting = open({ resolveName, ca: cert! }); // read just above
  expect(await post(trusting, `https://receiver.test:${port}/`)).toEqual({ status: 200 });
  await expect(post(trusting, `https://other.test:${port}/`)).rejects.toThrow(failsWith("tls-failed"));
  await expect(post(open({ resolveName }), `https://receiver.test:${port}/`)).rejects.toThrow(failsWith("tls-failed"));
  const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  try {
    await expect(post(open({ resolveName }), `https://receiver.test:${port}/`)).rejects.toThrow(failsWith("tls-failed"));
  } finally {
    if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
  }
});

test("proxy variables are not read", async () => {
  const proxied: string[] = [];
  const proxy = await serve((request, response) => (proxied.push(request.url ?? ""), void response.end()));
  const { url } = await serve((_request, response) => void response.end());
  const names = ["http_proxy", "HTTP_PROXY", "NODE_USE_ENV_PROXY"];
  for (const name of names) process.env[name] = name.startsWith("NODE") ? "1" : proxy.url;
  try {
    expect(await post(open(), url)).toEqual({ status: 200 });
  } finally {
    for (const name of names) delete process.env[name];
  }
  expect(proxied).toEqual([]);
});

test("a download follows redirects, and tells the label, the size and where the bytes came from", async () => {
  const bytes = Buffer.alloc(300_000, 7);
  const { url } = await serve((request, response) => {
    if (request.url === "/file") response.writeHead(200, { "content-type": "image/png" }).end(bytes);
    else response.writeHead(302, { location: "/file" }).end();
  });
  const path = join(await folder(), "input");
  expect(await open().download({ url, path })).toEqual({
    sizeBytes: bytes.length,
    contentType: "image/png",
    url: `${url}file`,
  });
  expect(createHash("sha1").update(await readFile(path)).digest()).toEqual(createHash("sha1").update(bytes).digest());
});

test("every hop of a download is checked like its first address", async () => {
  const inner = await serve((_request, response) => void response.end("secret"));
  const locations: Record<string, string> = {
    "/metadata": "http://169.254.169.254/latest/meta-data/",
    "/loopback": `http://127.0.0.2:${inner.port}/`,
    "/mapped": `http://[::ffff:127.0.0.1]:${inner.port}/`,
    "/name": `http://inner.test:${inner.port}/`,
    "/file": "file:///etc/passwd",
    "/data": "data:text/plain,secret",
    "/userinfo": `http://user:password@127.0.0.1:${inner.port}/`,
    "/port": "http://127.0.0.1:22/",
    "/nonsense": "http://[",
  };
  const { url } = await serve((request, response) => {
    response.writeHead(302, { location: locations[request.url ?? ""] ?? "/" }).end();
  });
  const path = join(await folder(), "input");
  const outbound = open({ resolveName: async () => ["10.0.0.1"] });
  for (const from of Object.keys(locations)) {
    const code = from === "/nonsense" ? "response-invalid" : expect.stringMatching(/-refused$|^url-invalid$/);
    await expect(outbound.download({ url: `${url.slice(0, -1)}${from}`, path }), from).rejects.toMatchObject({ code });
  }
  await expect(outbound.download({ url: `${url}loop`, path })).rejects.toThrow(failsWith("redirect-limit"));
  expect(existsSync(path)).toBe(false);
});

test("a download stops at its size, announced or not, and leaves nothing behind", async () => {
  const { url } = await serve((request, response) => {
    if (request.url === "/announced") response.writeHead(200, { "content-length": "1000" }).flushHeaders();
    else response.writeHead(200).write(Buffer.alloc(1000));
  });
  const path = join(await folder(), "input");
  for (const name of ["announced", "endless"]) {
    await expect(open().download({ url: `${url}${name}`, path, maxBytes: 999 }), name).rejects.toThrow(failsWith("too-large"));
    expect(existsSync(path)).toBe(false);
  }
});

test("a download that is cut, trickles, is packed or fails leaves nothing behind", async () => {
  const { url } = await serve((request, response) => {
    if (request.url === "/cut") {
      response.writeHead(200, { "content-length": "1000" }).write(Buffer.alloc(10));
      setImmediate(() => response.socket?.destroy());
    } else if (request.url === "/packed") response.writeHead(200, { "content-encoding": "gzip" }).end("x");
    else if (request.url === "/missing") response.writeHead(404).end("x");
    else response.writeHead(200).write("x");
  });
  const path = join(await folder(), "input");
  const expected = { cut: "connection-lost", packed: "response-invalid", missing: "http-status", trickle: "timed-out" };
  for (const [name, code] of Object.entries(expected)) {
    const fetched = open().download({ url: `${url}${name}`, path, timeoutMs: name === "trickle" ? 100 : 5_000 });
    await expect(fetched, name).rejects.toThrow(failsWith(code));
    expect(existsSync(path)).toBe(false);
  }
});

test("a download does not overwrite or remove what is already there", async () => {
  const { url } = await serve((_request, response) => void response.end("new"));
  const path = join(await folder(), "input");
  await writeFile(path, "old");
  await expect(open().download({ url, path })).rejects.toMatchObject({ code: "EEXIST" });
  expect(await readFile(path, "utf8")).toBe("old");
});
