import { connect } from "node:net";
import type { AddressInfo } from "node:net";

import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";

import { signedHeaders, startTestServer } from "./test-server.ts";
import type { TestServer } from "./test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const urls = [
  "/v1/Run/arsmachina/baroque-space-opera-v1",
  "/v1/Run/atelier/starter",
  "/v1/Task/Detail",
  "/v1/Task/Cancel",
  "/v1/Task/Kill",
];

const labels = [
  "application/json",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "multipart/form-data; boundary=b",
  "text/plain",
  "",
];

const names = ["prompt", "samples", "steps", "seed", "width", "taskid", "tasktoken", "socketaccesstoken", "projectid", "callbackUrl", "__proto__"];

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const values = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: "binary" }), fc.integer(), fc.double());
const objects = fc.dictionary(fc.constantFrom(...names), values);
const jsonBodies = objects.map((object) => Buffer.from(JSON.stringify(object)));
const formBodies = fc
  .array(fc.tuple(fc.constantFrom(...names), fc.string({ unit: "binary" })))
  .map((pairs) => Buffer.from(pairs.map(([name, value]) => `${name}=${percentEncoded(value)}`).join("&")));
const multipartBodies = fc
  .array(fc.tuple(fc.constantFrom(...names), fc.string({ unit: "binary" })))
  .map((parts) => parts.map(([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`))
  .map((parts) => Buffer.from(`${parts.join("")}--b--\r\n`));

/** A body with some of its bytes replaced, so that it is almost right. */
const damaged = fc
  .tuple(fc.oneof(jsonBodies, formBodies, multipartBodies), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
  .map(([body, changes]) => {
    const copy = Buffer.from(body);
    if (copy.length > 0) for (const [at, byte] of changes) copy[at % copy.length] = byte;
    return copy;
  });

const bodies = fc.oneof(bytes, jsonBodies, formBodies, multipartBodies, damaged);
const headerText = fc.string({ unit: "binary-ascii", maxLength: 80 }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, "?"));
const requests = fc.record({
  url: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...urls) },
    { weight: 1, arbitrary: bytes.map((path) => `/v1/Run/atelier/${path.toString("hex").replaceAll(/(..)/g, "%$1")}`) },
    { weight: 1, arbitrary: fc.webPath().map((path) => `/v1${path}`) },
  ),
  label: fc.oneof(fc.constantFrom(...labels), headerText),
  body: bodies,
  as: fc.constantFrom("mine", "mine", "mine", "keyOnly", "nobody"),
  extra: fc.dictionary(fc.constantFrom("x-nonce", "content-encoding", "expect", "x-api-key", "origin"), headerText, { maxKeys: 1 }),
});

it("2,000 requests of any bytes are all answered by the envelope, none with a server fault", async () => {
  const seen = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(requests, async ({ url, label, body, as, extra }) => {
      const auth = as === "nobody" ? {} : signedHeaders(as === "mine" ? server.mine : server.keyOnly);
      const headers = { ...auth, "content-type": label, ...extra };
      const response = await server.app.inject({ method: "POST", url, headers, payload: body });
      seen.set(response.statusCode, (seen.get(response.statusCode) ?? 0) + 1);
      expect([200, 401, 404]).toContain(response.statusCode);
      expectEnvelope(response.body);
    }),
    { numRuns: 2_000, seed: 1_734_513_807 },
  );
  // The requests must reach the endpoints, not only the guards before them.
  expect(seen.get(200)).toBeGreaterThan(1_000);
  expect(server.logged.filter((line) => line["msg"] === "http.fault")).toEqual([]);
}, 120_000);

it("200 streams of any bytes on a socket never bring the server down", async () => {
  await server.app.listen({ host: "127.0.0.1", port: 0 });
  // A listening TCP server has an address with a port.
  const { port } = server.app.server.address() as AddressInfo;
  const signed = Object.entries(signedHeaders(server.mine)).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST /v1/Task/Detail HTTP/1.1\r\nhost: x\r\n${signed.join("")}`;
  const streams = fc.oneof(
    bytes,
    fc.tuple(bytes, bodies).map(([lines, body]) => Buffer.concat([Buffer.from(head), lines, Buffer.from("\r\n\r\n"), body])),
    bodies.map((body) => Buffer.concat([Buffer.from(`${head}content-length: ${body.length}\r\n\r\n`), body])),
  );
  await fc.assert(
    fc.asyncProperty(streams, async (stream) => {
      const answer = await sendAndEnd(port, stream);
      if (answer === "") return;
      expect(answer).toMatch(/^HTTP\/1\.1 (200|400|401|404|408|417|431) /);
      if (answer.includes("application/json")) expectEnvelope(answer.slice(answer.indexOf("\r\n\r\n{") + 4).split("\r\n\r\n")[0] ?? "");
    }),
    { numRuns: 200, seed: 99 },
  );
  expect((await server.app.inject("/healthz")).statusCode).toBe(200);
}, 120_000);

function expectEnvelope(text: string): void {
  const answer = JSON.parse(text) as { result: boolean; errors: unknown[] };
  if (answer.result) {
    expect(answer.errors).toEqual([]);
    return;
  }
  expect(answer).toEqual({
    result: false,
    errors: [{ code: expect.any(Number), message: expect.stringMatching(/./), time: expect.any(Number) }],
  });
  expect(text).not.toMatch(/\.ts:|\.js:|node_modules|\bat .*\(/);
}

/** Sends the bytes, closes the sending side, and returns everything that came back. */
function sendAndEnd(port: number, stream: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const finish = (): void => resolve(Buffer.concat(chunks).toString());
    const socket = connect(port, "127.0.0.1", () => socket.end(stream));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("close", finish);
    // A reset by the server is an answer as well.
    socket.on("error", finish);
  });
}

function percentEncoded(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}
