// One POST endpoint of the wire: authenticated, with the fields and files of its body, answered inside the envelope.

import type { IncomingHttpHeaders } from "node:http";

import { successEnvelope } from "@atelier/schema/wire-envelope";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";

import { authenticate } from "./authenticate.ts";
import { readFields } from "./body.ts";
import { sentContentType } from "./content-type.ts";
import { FormGate, withForm } from "./form-parts.ts";
import type { Form } from "./form-parts.ts";
import type { Caller, RouteContext } from "./http-deps.ts";
import { operationOf } from "./wire-endpoint.ts";
import type { AnyEndpoint, WireEndpoint } from "./wire-endpoint.ts";

export interface WireRequest extends Form {
  readonly caller: Caller;
  readonly headers: IncomingHttpHeaders;
  /** Percent-decoded path parameters. */
  readonly path: Readonly<Record<string, string>>;
}

/** Declares an endpoint for callers with a key. */
export function wireRoute<Body extends z.ZodType, Shape extends z.ZodRawShape>(
  endpoint: WireEndpoint<RouteContext, WireRequest, Body, Shape>,
): WireEndpoint<RouteContext, WireRequest, Body, Shape> {
  return endpoint;
}

/** The body is read only after the caller is known: strangers cannot make the server buffer anything. */
export function addWireRoute(app: FastifyInstance, context: RouteContext, route: AnyEndpoint<RouteContext, WireRequest>): void {
  const gate = new FormGate();
  app.post(route.url, { config: { operation: operationOf(route, "project") } }, async (request) => {
    const caller = await authenticate(context, request);
    const type = sentContentType(request);
    // Every path parameter of these routes is text.
    const path = request.params as Record<string, string>;
    const use = async (form: Form) => {
      const body = (route.body as z.ZodType).parse(form.fields);
      return successEnvelope(await route.answer(context, { ...form, caller, headers: request.headers, body, path }));
    };
    if (!route.filesWanted) return use({ fields: await readFields(request.raw, type), files: [] });
    const wants = route.filesWanted(context, path);
    return withForm(request.raw, type, { tempFolder: context.tempFolder, gate, wants, use });
  });
}
