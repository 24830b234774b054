// What an endpoint of the wire is declared with: one schema that parses its body and documents it, one for its reply.

import { successSchema } from "@atelier/schema/wire-envelope-schema";
import { z } from "zod";

import type { Fields } from "./body.ts";
import type { Operation } from "./openapi/operation.ts";

export interface WireEndpoint<Context, Request, Body extends z.ZodType, Shape extends z.ZodRawShape> {
  readonly url: string;
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly path?: Operation["path"];
  /** Parses the fields of the body; what it gives is what `answer` gets. Most fields are read rather than refused
   *  (`lenientField`): a refusal would need a code and a text of the contract. */
  readonly body: Body;
  /** Payload fields of a success. */
  readonly reply: Shape;
  /** The names under which the endpoint takes files, by its path. Without it files are read past. */
  readonly filesWanted?: (context: Context, path: Readonly<Record<string, string>>) => (field: string) => boolean;
  /** Codes that `answer` may throw. */
  readonly failures?: Operation["failures"];
  /** Returns the payload fields of a success; every failure is thrown. */
  readonly answer: (context: Context, request: Request & EndpointBody<Body>) => Promise<NoInfer<z.output<z.ZodObject<Shape>>>>;
}

export interface EndpointBody<Body extends z.ZodType> {
  readonly body: z.output<Body>;
  /** The fields as they came, for endpoints whose body depends on the model. */
  readonly fields: Fields;
}

/** An endpoint as the routers see it: whatever its own types are. */
// oxlint-disable-next-line typescript/no-explicit-any -- the body of one endpoint is checked against its own schema, above
export type AnyEndpoint<Context, Request> = WireEndpoint<Context, Request, any, any>;

/** The operation of an endpoint, for the document. */
export function operationOf(endpoint: AnyEndpoint<never, never>, access: Operation["access"]): Operation {
  const { id, summary, description, tag, path, body, failures } = endpoint;
  const success = successSchema(endpoint.reply as z.ZodRawShape).meta({ id: `${id.charAt(0).toUpperCase()}${id.slice(1)}Reply` });
  return {
    id,
    summary,
    tag,
    access,
    body: body as z.ZodType,
    replies: { 200: { description: "The answer.", content: { "application/json": success } } },
    ...(description !== undefined && { description }),
    ...(path && { path }),
    ...(failures && { failures }),
  };
}
