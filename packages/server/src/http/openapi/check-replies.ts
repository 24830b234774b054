// For tests: compares every answer that a server gives with the document that it publishes.

import { Ajv2020 } from "ajv/dist/2020.js";
import type { ValidateFunction } from "ajv/dist/2020.js";
import type { FastifyInstance } from "fastify";

import { templateOf } from "./operation.ts";

export interface Answer {
  readonly method: string;
  /** The framework's spelling of the route; undefined for an unknown route. */
  readonly route: string | undefined;
  readonly status: number;
  readonly contentType: string | undefined;
  /** Text, or undefined where there is none or it is no text. */
  readonly body: string | undefined;
}

export type CheckAnswer = (answer: Answer) => string | undefined;

interface Document {
  readonly paths: Record<string, Record<string, { responses: Record<string, { content?: Record<string, object> }> }>>;
}

/** Looks at every reply of `app` from now on; what differs from its document is added to the list that is returned. */
export function checkReplies(app: FastifyInstance): string[] {
  const wrong: string[] = [];
  let check: CheckAnswer | undefined;
  app.addHook("onSend", async (request, reply, payload) => {
    if (request.method === "OPTIONS" || request.method === "HEAD" || request.url === "/openapi.json") return payload;
    check ??= answerChecker((await app.inject("/openapi.json")).json());
    const problem = check({
      method: request.method,
      route: request.routeOptions?.url,
      status: reply.statusCode,
      contentType: reply.getHeader("content-type") as string | undefined, // a list is never set here
      body: typeof payload === "string" ? payload : undefined,
    });
    if (problem !== undefined) wrong.push(`${request.method} ${request.url}: ${problem}`);
    return payload;
  });
  return wrong;
}

/** Returns what is wrong with an answer, or undefined. */
export function answerChecker(document: object): CheckAnswer {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema(document, "openapi.json");
  const { paths } = document as Document;
  const compiled = new Map<string, ValidateFunction>();
  const validator = (pointer: readonly string[]): ValidateFunction => {
    const path = pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");
    const known = compiled.get(path) ?? ajv.compile({ $ref: `openapi.json#/${path}` });
    compiled.set(path, known);
    return known;
  };
  return ({ method, route, status, contentType, body }) => {
    const unknown = ["components", "schemas", "Failure"];
    if (route === undefined) return status === 404 || status === 429 ? problemOf(validator(unknown), body) : `unknown route answered ${status}`;
    const [path, verb] = [templateOf(route), method.toLowerCase()];
    const response = paths[path]?.[verb]?.responses[status];
    if (!response) return `status ${status} is not documented`;
    if (contentType === undefined) return response.content && body !== "" && body !== undefined ? "has no content type" : undefined;
    const type = mediaTypeIn(Object.keys(response.content ?? {}), contentType);
    if (type === undefined) return `content type ${contentType} is not documented`;
    if (type !== "application/json") return undefined;
    return problemOf(validator(["paths", path, verb, "responses", String(status), "content", type, "schema"]), body);
  };
}

function problemOf(validate: ValidateFunction, body: string | undefined): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body ?? "");
  } catch (error) {
    return `is no JSON: ${String(error)}`;
  }
  if (validate(value)) return undefined;
  const errors = (validate.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);
  return `${errors.slice(0, 6).join("; ")} in ${(body ?? "").slice(0, 500)}`;
}

function mediaTypeIn(documented: readonly string[], contentType: string): string | undefined {
  const type = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const ranges = [type, `${type.split("/", 1)[0]}/*`, "*/*"];
  return ranges.find((range) => documented.includes(range));
}
