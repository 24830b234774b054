// One POST endpoint of the wire: authenticated, with the fields of its body, answered inside the envelope.

import { successEnvelope } from "@atelier/schema/wire-envelope";
import type { FastifyInstance } from "fastify";

import { authenticate } from "./authenticate.ts";
import { readFields } from "./body.ts";
import type { Fields } from "./body.ts";
import { sentContentType } from "./content-type.ts";
import type { Caller, RouteContext } from "./http-deps.ts";

export interface WireRequest {
  readonly caller: Caller;
  readonly fields: Fields;
  /** Percent-decoded path parameters. */
  readonly path: Readonly<Record<string, string>>;
}

/** Returns the payload fields of a success; every failure is thrown. */
export type WireRoute = (context: RouteContext, request: WireRequest) => Promise<object>;

/** The body is read only after the caller is known: strangers cannot make the server buffer anything. */
export function addWireRoute(app: FastifyInstance, context: RouteContext, route: { url: string; answer: WireRoute }): void {
  app.post(route.url, async (request) => {
    const caller = await authenticate(context, request);
    const fields = await readFields(request.raw, sentContentType(request));
    // Every path parameter of these routes is text.
    const path = request.params as Record<string, string>;
    return successEnvelope(await route.answer(context, { caller, fields, path }));
  });
}
