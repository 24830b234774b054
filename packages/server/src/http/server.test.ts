import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import { signedHeaders, startTestServer } from "./test-server.ts";
import type { TestServer } from "./test-server.ts";

const unknownRoute = {
  result: false,
  errors: [{ code: 0, message: "Error parsing url.", time: expect.any(Number) }],
};
const invalid = {
  result: false,
  errors: [{ code: 0, message: "Request parameters are invalid.", time: expect.any(Number) }],
};

describe("the server", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.stop());

  const detail = (payload: string | Buffer, headers: Record<string, string> = {}) =>
    server.app.inject({
      method: "POST",
      url: "/v1/Task/Detail",
      headers: { ...signedHeaders(server.mine), ...headers },
      payload,
    });

  it.each([
    ["GET", "/v1/Task/Detail"],
    ["POST", "/v1/task/detail"],
    ["POST", "/v1/Task/Nothing"],
    ["POST", "/"],
    ["GET", "/nowhere?a=b"],
    ["PUT", "/v1/Task/Detail"],
    ["POST", "/v1/Run/%zz/model"],
    ["POST", "/v1/Run/a/%E0%A4%A"],
    ["POST", `/v1/Run/a/${"x".repeat(1_000)}`],
    ["GET", "/outputs/..%2f..%2fetc/passwd"],
  ] as const)("answers %s %s with 404 and the envelope", async (method, url) => {
    const response = await server.app.inject({ method, url });
    expect(response.statusCode).toBe(404);
    expect(response.json()).toEqual(unknownRoute);
  });

  it.each([";;;", "application/json; charset=utf-16", "\u00ff", "multipart/form-data; boundary=", "a/b/c"])(
    "reads JSON under the broken label %j",
    async (label) => {
      expect((await detail('{"taskid":"1"}', { "content-type": label })).json()).toMatchObject({
        errors: [{ code: 1, message: "There is no task yet." }],
      });
    },
  );

  it("accepts no compressed bodies, so that a small one cannot unpack into a large one", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, " "));
    for (const encoding of ["gzip", "br", "deflate, gzip"]) {
      const response = await detail(bomb, { "content-encoding": encoding });
      expect(response.statusCode).toBe(200);
      expect(response.json()).toEqual(invalid);
    }
    expect((await detail('{"taskid":"1"}', { "content-encoding": "gzip" })).json()).toEqual(invalid);
    expect((await detail('{"taskid":"1"}', { "content-encoding": "identity" })).json()).toMatchObject({
      errors: [{ code: 1 }],
    });
  });

  it("refuses a body over the limit, announced or not", async () => {
    const large = Buffer.alloc(limits.bodyBytes + 1, " ");
    expect((await detail(large)).json()).toEqual(invalid);
    const { "content-length": _none, ...headers } = signedHeaders(server.mine) as Record<string, string>;
    const chunked = await overSocket(server, chunkedRequest(headers, large));
    expect(chunked).toMatch(/^HTTP\/1\.1 200 /);
    expect(chunked).toContain("Request parameters are invalid.");
  });

  it("refuses an announced body over the limit without waiting for it", async () => {
    const lines = Object.entries(signedHeaders(server.mine)).map(([name, value]) => `${name}: ${value}\r\n`);
    const length = `content-length: ${limits.bodyBytes + 1}`;
    const head = `POST /v1/Task/Detail HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${lines.join("")}${length}\r\n\r\n`;
    expect(await overSocket(server, Buffer.from(head))).toContain("Request parameters are invalid.");
  });

  it("answers bytes that are not HTTP with the envelope", async () => {
    const answer = await overSocket(server, Buffer.from("\x16\x03\x01 what is this\r\n\r\n"));
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"result":false');
  });

  it("answers headers that are too large with the envelope", async () => {
    const head = `GET / HTTP/1.1\r\nhost: x\r\nx-big: ${"x".repeat(40_000)}\r\n\r\n`;
    expect(await overSocket(server, Buffer.from(head))).toMatch(/^HTTP\/1\.1 431 [^]*"result":false/);
  });

  it("lets pages on other origins call it", async () => {
    const preflight = await server.app.inject({
      method: "OPTIONS",
      url: "/v1/Task/Detail",
      headers: { origin: "https://elsewhere.example", "access-control-request-method": "POST" },
    });
    expect(preflight.statusCode).toBe(204);
    expect(preflight.headers["access-control-allow-origin"]).toBe("*");
    for (const header of ["x-signature", "x-signature-v2", "idempotency-key", "mcp-protocol-version", "last-event-id"]) {
      expect(String(preflight.headers["access-control-allow-headers"]).split(", ")).toContain(header);
    }
    for (const response of [await detail("{}"), await server.app.inject({ method: "POST", url: "/v1/Task/Detail" })]) {
      expect(response.headers["access-control-allow-origin"]).toBe("*");
    }
  });

  it("tells browsers not to guess types", async () => {
    expect((await detail("{}")).headers["x-content-type-options"]).toBe("nosniff");
  });

  it("is healthy while it lives", async () => {
    expect((await server.app.inject("/healthz")).json()).toEqual({ status: "ok" });
    expect((await server.app.inject("/readyz")).json()).toEqual({ status: "ready", models: server.context.models.list().length, takesTasks: true });
  });
});

describe("when something breaks", () => {
  it("answers the envelope without details and logs the error with the request's id", async () => {
    const secretText = "password=hunter2 at /srv/somewhere.ts:1";
    const server = await startTestServer({
      projects: { findByKey: () => Promise.reject(new Error(secretText)), useNonce: () => Promise.reject(new Error(secretText)) },
      isReady: () => Promise.reject(new Error("down")),
    });
    const response = await server.post("/v1/Task/Detail", { taskid: "1" });
    expect(response.statusCode).toBe(500);
    expect(response.json()).toMatchObject({ result: false, errors: [{ code: 0 }] });
    expect(response.body).not.toContain("hunter2");
    expect(response.body).not.toContain("at ");
    expect(response.headers["retry-after"]).toBe("2");
    const line = server.logged.find((entry) => entry["msg"] === "http.fault");
    expect(line).toMatchObject({ requestId: response.headers["x-request-id"], route: "/v1/Task/Detail" });
    expect(JSON.stringify(line)).toContain("hunter2");
    expect((await server.app.inject("/readyz")).statusCode).toBe(503);
    await server.stop();
  });

  it("warns of what passes by itself, in one line without a stack", async () => {
    const cause = new Error("the connection was refused");
    const away = await startTestServer({
      projects: { findByKey: () => Promise.reject(new AtelierError("SERVER_UNAVAILABLE", {}, { cause })), useNonce: () => Promise.reject(cause) },
    });
    const full = await startTestServer({ hasRoom: async () => false });
    for (const server of [away, full]) {
      expect((await server.post("/v1/Run/atelier/starter", {})).statusCode).toBe(503);
      await server.stop();
    }
    const line = { level: "warn", time: expect.any(String), msg: "http.refused", requestId: expect.any(String), route: "/v1/Run/:owner/:model" };
    expect(away.logged).toEqual([{ ...line, code: "SERVER_UNAVAILABLE", reason: "the connection was refused" }]);
    expect(full.logged).toEqual([{ ...line, code: "DISK_FULL" }]);
  });
});

describe("GET /readyz", () => {
  it("answers not ready though the database does not answer, and asks it once for any number of probes", async () => {
    let asked = 0;
    const isReady = () => new Promise<boolean>(() => void (asked += 1));
    const server = await startTestServer({ isReady });
    const answers = await Promise.all([1, 2, 3].map(() => server.app.inject("/readyz")));
    expect(answers.map((answer) => answer.statusCode)).toEqual([503, 503, 503]);
    expect(asked).toBe(1);
    await server.stop();
  });
});

describe("GET /readyz on a full disk", () => {
  it("answers ready, for all but Run, which is refused", async () => {
    const server = await startTestServer({ hasRoom: async () => false });
    const ready = await server.app.inject("/readyz");
    expect(ready.statusCode).toBe(200);
    expect(ready.json()).toMatchObject({ status: "ready", takesTasks: false });
    expect((await server.post("/v1/Run/atelier/starter", {})).statusCode).toBe(503);
    await server.stop();
  });
});

describe("outputs", () => {
  const folder = "6a6af820-c5050aee-40bd7b83-a2e186c6-7f61f7da-3894e49c-fc0eeb66-9b500fe2";
  const url = `/outputs/${folder}/0.png`;
  const bytes = Buffer.from("not really a picture");
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
    const { taskid } = (await server.post("/v1/Run/atelier/starter", {})).json<{ taskid: string }>();
    await writeFile(join(server.folder, "picture"), bytes);
    await server.files.put(`${folder}/0.png`, join(server.folder, "picture"));
    await server.db.query(
      `insert into outputs (id, task_id, position, name, content_type, size_bytes, access_key, file_key)
       values ('6bc392c93856dfce3a7d1b4261e15af3', $1, 0, '0.png', 'image/png', $2, 'k', $3)`,
      [taskid, bytes.length, `${folder}/0.png`],
    );
  });
  afterAll(() => server.stop());

  it("are served without a key, with type, length and an immutable name", async () => {
    const response = await server.app.inject(url);
    expect(response.statusCode).toBe(200);
    expect(response.rawPayload).toEqual(bytes);
    expect(response.headers).toMatchObject({
      "content-type": "image/png",
      "content-length": String(bytes.length),
      etag: '"6bc392c93856dfce3a7d1b4261e15af3"',
      "cache-control": "public, max-age=31536000, immutable",
      "x-content-type-options": "nosniff",
      "access-control-allow-origin": "*",
    });
  });

  it("are not sent again to who has them", async () => {
    const headers = { "if-none-match": '"other", W/"6bc392c93856dfce3a7d1b4261e15af3"' };
    const response = await server.app.inject({ url, headers });
    expect(response.statusCode).toBe(304);
    expect(response.rawPayload).toHaveLength(0);
  });

  it("answer HEAD with the headers alone", async () => {
    const response = await server.app.inject({ method: "HEAD", url });
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-length"]).toBe(String(bytes.length));
    expect(response.rawPayload).toHaveLength(0);
  });

  it.each([url.replace("9b500fe2", "9b500fe3"), url.replace("0.png", "1.png"), "/outputs/x/0.png", `/outputs/${folder}/..`, `/outputs/${folder}/%00`])(
    "are not at %s",
    async (other) => {
      const response = await server.app.inject(other);
      expect(response.statusCode).toBe(404);
      expect(response.json()).toEqual(unknownRoute);
    },
  );

  it("whose bytes are gone are not found", async () => {
    await server.files.remove(`${folder}/0.png`);
    expect((await server.app.inject(url)).statusCode).toBe(404);
  });
});

function chunkedRequest(headers: Record<string, string>, body: Buffer): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST /v1/Task/Detail HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${lines.join("")}transfer-encoding: chunked\r\n\r\n`;
  return Buffer.concat([Buffer.from(`${head}${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n0\r\n\r\n")]);
}

/** Sends bytes over a real socket and returns the whole answer. */
async function overSocket(server: TestServer, bytes: Buffer): Promise<string> {
  if (!server.app.server.listening) await server.app.listen({ host: "127.0.0.1", port: 0 });
  // A listening TCP server has an address with a port.
  const { port } = server.app.server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => resolve(Buffer.concat(chunks).toString()));
    socket.on("error", reject);
  });
}
