import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { runDocumentCase } from "./document-case.mjs";
import { makeDocumentCase } from "./document-case.mjs";
import { Random } from "./random.mjs";
import { makeRawCase, responsesIn, runRawCase } from "./raw-case.mjs";
import { makeSocketCase, runSocketCase } from "./socket-case.mjs";
import { rightValue } from "./values.mjs";

const document = {
  paths: {
    "/v1/Task/Detail": {
      post: { requestBody: { content: { "application/json": { schema: { type: "object", properties: { taskid: { type: "string" } } } } } } },
    },
  },
  components: { schemas: {} },
};
const context = { document, tasks: [{ as: "signing", taskid: "1", token: "t".repeat(30) }], headersOf: () => ({ "x-api-key": "k" }) };

describe("cases", () => {
  it.each([makeDocumentCase, makeRawCase, makeSocketCase])("are repeated by seed and number: %o", (make) => {
    const made = (number: number): string => JSON.stringify(make(new Random(5, number), context));
    const first = Array.from({ length: 40 }, (_, number) => made(number));
    expect(Array.from({ length: 40 }, (_, number) => made(number))).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(20);
  });

  it("take right values from a schema", () => {
    const schema = { type: "object", required: ["a"], properties: { a: { anyOf: [{ type: "integer", minimum: 3, maximum: 4 }, { const: "" }] } } };
    for (let number = 0; number < 50; number += 1) {
      const { a } = rightValue(new Random(1, number), schema, (one: unknown) => one) as { a: unknown };
      expect([3, 4, ""]).toContain(a);
    }
  });
});

describe("against a server that is wrong", () => {
  let port = 0;
  let status = 200;
  let body = "{}";
  const wrong = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
    response.end(body);
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => wrong.listen(0, "127.0.0.1", resolve));
    // A listening TCP server has an address with a port.
    ({ port } = wrong.address() as AddressInfo);
  });
  afterAll(() => void wrong.close());

  const request = { template: "/v1/Task/Detail", method: "POST", path: "/v1/Task/Detail", headers: {}, body: Buffer.from("{}") };
  const bytes = Buffer.from("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
  const run = () => runDocumentCase(request, { url: `http://127.0.0.1:${port}`, check: () => undefined });

  it("a 5xx is found, by a request and by raw bytes", async () => {
    status = 500;
    expect(await run()).toContain("HTTP 500");
    expect(await runRawCase({ bytes }, { port, isEnvelope: () => true })).toContain("HTTP 500");
  });

  it("a reply off its schema is found, by a request and by raw bytes", async () => {
    status = 200;
    expect(await run()).toBeUndefined();
    const checked = { url: `http://127.0.0.1:${port}`, check: () => "is wrong" };
    expect(await runDocumentCase(request, checked)).toBe("is wrong");
    expect(await runRawCase({ bytes }, { port, isEnvelope: () => false })).toContain("no envelope");
  });

  it("a server that is gone is found", async () => {
    await expect(runDocumentCase(request, { url: "http://127.0.0.1:1", check: () => undefined })).rejects.toThrow("ECONNREFUSED");
  });

  it("a socket that answers with another frame, or not at all, is found", async () => {
    const problem = await runSocketCase({ frames: ["{}"] }, { port, tasks: context.tasks, checkFrame: () => "is wrong" });
    expect(problem).toContain("error");
  });

  it("several answers on one connection are told apart", () => {
    const one = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`;
    expect(responsesIn(Buffer.from(`${one}${one}HTTP/1.1 400 Bad Request\r\n\r\n`)).map((answer) => answer.status)).toEqual([200, 200, 400]);
  });
});
