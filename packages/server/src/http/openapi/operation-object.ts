// One operation in the words of OpenAPI: parameters, body, replies and the failures by their registered codes.

import { failureSchema } from "@atelier/schema/wire-envelope-schema";
import { z } from "zod";

import { errorRegistry } from "../../errors.ts";
import type { ErrorCode } from "../../errors.ts";
import type { Components, JsonObject } from "./components.ts";
import type { Operation, ReplyForm } from "./operation.ts";
import { securityOf } from "./security.ts";

/** In the order in which the server prefers to show them. */
const bodyTypes = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"];

export function operationObject(operation: Operation, components: Components): JsonObject {
  const failures = failuresOf(operation);
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    description: [operation.description, ...failures.map(failureLine)].filter(Boolean).join("\n\n"),
    parameters: [...pathParameters(operation), ...queryParameters(operation, components)],
    ...(operation.body && { requestBody: requestBody(components.add(operation.body, "input")) }),
    responses: responsesOf(operation, failures, components),
    security: securityOf[operation.access],
  };
}

export function requestBody(schema: JsonObject): JsonObject {
  return { required: false, content: Object.fromEntries(bodyTypes.map((type) => [type, { schema }])) };
}

// The keys of the registry are its codes.
const authenticationFailures = (Object.keys(errorRegistry) as ErrorCode[]).filter((code) => code.startsWith("AUTH_"));

/** Details that fill a text with their own names. */
const placeholders: Readonly<Record<string, unknown>> = new Proxy({}, { get: (_target, name) => `{${String(name)}}` });

/** What the door of a route may answer, and what its handler adds. */
function failuresOf({ access, body, failures = [] }: Operation): ErrorCode[] {
  const bodies: ErrorCode[] = ["BODY_INVALID", "BODY_TOO_LARGE"];
  return [
    ...new Set([
      ...doorFailures(access),
      ...(body ? bodies : []),
      ...failures,
      // Any path may hold bytes that cannot be decoded.
      ...(["ROUTE_UNKNOWN", "RATE_LIMITED", "SERVER_UNAVAILABLE", "SERVER_FAULT"] satisfies ErrorCode[]),
    ]),
  ];
}

function doorFailures(access: Operation["access"]): ErrorCode[] {
  if (access === "worker") return ["WORKER_TOKEN_INVALID", "WORKER_PROTOCOL"];
  return access === "open" ? [] : authenticationFailures;
}

function failureLine(code: ErrorCode): string {
  const { wireCode, httpStatus, text } = errorRegistry[code];
  return `\`${code}\` (HTTP ${httpStatus}, code ${wireCode}): ${text(placeholders)}`;
}

function responsesOf(operation: Operation, failures: readonly ErrorCode[], components: Components): JsonObject {
  const responses: Record<string, JsonObject> = {};
  for (const [status, form] of Object.entries(operation.replies)) responses[status] = response(form, components);
  const failure = components.add(failureSchema, "output");
  for (const httpStatus of new Set(failures.map((code) => errorRegistry[code].httpStatus))) {
    const known = responses[httpStatus] as { description: string; content?: Record<string, { schema: JsonObject }> } | undefined;
    const success = known?.content?.["application/json"]?.schema;
    const schema = success ? { anyOf: [success, failure] } : failure;
    responses[httpStatus] = {
      description: known?.description ?? "A failure.",
      content: { ...known?.content, "application/json": { schema } },
    };
  }
  return responses;
}

function response({ description, content }: ReplyForm, components: Components): JsonObject {
  if (!content) return { description };
  const forms = Object.entries(content).map(([type, form]) => [type, { schema: schemaOf(form, components) }]);
  return { description, content: Object.fromEntries(forms) };
}

function schemaOf(form: z.ZodType | "text" | "bytes", components: Components): JsonObject {
  if (form === "text") return { type: "string" };
  // Bytes have no JSON form: OpenAPI 3.1 leaves their schema out.
  return form === "bytes" ? {} : components.add(form, "output");
}

function pathParameters({ path = {} }: Operation): JsonObject[] {
  return Object.entries(path).map(([name, description]) => {
    return { name, in: "path", required: true, description, schema: { type: "string" } };
  });
}

function queryParameters({ query }: Operation, components: Components): JsonObject[] {
  if (!query) return [];
  return Object.entries(query.shape).map(([name, schema]) => {
    // The members of an object schema are schemas.
    const { description, ...form } = components.add(schema as z.ZodType, "input");
    return { name, in: "query", required: false, ...(description !== undefined && { description }), schema: form };
  });
}
