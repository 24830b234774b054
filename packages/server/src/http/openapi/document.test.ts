import { Validator } from "@seriousme/openapi-schema-validator";
import { fastify } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startTestServer } from "../test-server.ts";
import type { TestServer } from "../test-server.ts";
import { answerChecker } from "./check-replies.ts";
import { collectOperations } from "./operation.ts";

type Document = {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Record<string, unknown>>>;
  components: { schemas: Record<string, { properties: Record<string, unknown> }>; securitySchemes: object };
};

let server: TestServer;
let document: Document;
beforeAll(async () => {
  server = await startTestServer();
  document = (await server.app.inject("/openapi.json")).json();
});
afterAll(() => server.stop());

describe("the document", () => {
  it("is OpenAPI 3.1, says another validator", async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document));
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
    expect(validator.version).toBe("3.1");
  });

  it("resolves every reference in it", () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(references.length).toBeGreaterThan(20);
    const missing = references.filter((reference) => {
      const name = /^#\/components\/schemas\/(.+)$/.exec(reference)?.[1];
      return name === undefined || !(name in document.components.schemas);
    });
    expect(missing).toEqual([]);
  });

  it("has the wire's endpoints with their bodies, replies and keys", () => {
    for (const path of ["/v1/Tool/List", "/v1/Tool/Detail", "/v1/Tool/Explore", "/v1/Task/Detail", "/v1/Task/List", "/v1/Run/{owner}/{model}"]) {
      expect(document.paths[path]?.["post"], path).toMatchObject({ requestBody: {}, responses: { 200: {}, 401: {} } });
    }
    expect(document.paths["/v1/Task/Detail"]?.["post"]?.["security"]).toEqual(
      expect.arrayContaining([{ apiKey: [], nonce: [], signature: [] }, { apiKey: [] }]),
    );
    expect(document.paths["/v1/Tool/List"]?.["post"]?.["security"]).toContainEqual({});
    expect(document.paths["/v1"]?.["get"]).toHaveProperty("x-frames");
    expect(document.servers).toEqual([{ url: "https://pictures.example" }]);
  });

  it("has the inputs of every model", () => {
    const run = document.paths["/v1/Run/atelier/starter"]?.["post"];
    expect(run?.["requestBody"]).toMatchObject({
      content: { "application/json": { schema: { $ref: "#/components/schemas/RunInput_2" } } },
    });
    expect(document.components.schemas["RunInput_2"]?.properties["steps"]).toMatchObject({
      anyOf: expect.arrayContaining([{ type: "integer", minimum: 1, maximum: 150 }]),
    });
    for (const manifest of server.context.models.list()) {
      expect(document.components.schemas).toHaveProperty(`RunInput_${manifest.id}`);
    }
  });

  it("has no two operations of one name", () => {
    const ids = Object.values(document.paths).flatMap((path) => Object.values(path).map((operation) => operation["operationId"]));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

it("a route without an operation cannot be added", () => {
  const app = fastify();
  collectOperations(app);
  expect(() => app.get("/undocumented", () => "")).toThrow("GET /undocumented has no operation");
});

describe("the check of replies", () => {
  it.each([
    ["a status", { status: 418 }, "status 418 is not documented"],
    ["a content type", { contentType: "text/plain" }, "content type text/plain is not documented"],
    ["an unknown field", { body: '{"result":true,"errors":[],"total":"1","tasklist":[],"more":1}' }, "must NOT have"],
    ["a number where text belongs", { body: '{"result":true,"errors":[],"total":1,"tasklist":[]}' }, "/total must be string"],
    ["a failure without text", { body: '{"result":false,"errors":["no"]}' }, "/errors/0 must be object"],
    ["what is no JSON", { body: "<html>" }, "is no JSON"],
  ])("finds %s", (_name, change, problem) => {
    const right = {
      method: "POST",
      route: "/v1/Task/Detail",
      status: 200,
      contentType: "application/json",
      body: '{"result":false,"errors":[{"code":1,"message":"There is no task yet.","time":1}]}',
    };
    const check = answerChecker(document);
    expect(check(right)).toBeUndefined();
    expect(check({ ...right, ...change })).toContain(problem);
  });
});
