// One POST endpoint of the wire that anybody may call: the catalogue is public (docs/wire-contract.md, "Catalogue").

import { successEnvelope } from "@atelier/schema/wire-envelope";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";

import { limits } from "../limits.ts";
import { authenticate } from "./authenticate.ts";
import { readFields } from "./body.ts";
import type { CatalogueContext } from "./catalogue.ts";
import { sentContentType } from "./content-type.ts";
import { operationOf } from "./wire-endpoint.ts";
import type { AnyEndpoint, WireEndpoint } from "./wire-endpoint.ts";

/** Declares an endpoint for anybody. */
export function openRoute<Body extends z.ZodType, Shape extends z.ZodRawShape>(
  endpoint: WireEndpoint<CatalogueContext, object, Body, Shape>,
): WireEndpoint<CatalogueContext, object, Body, Shape> {
  return endpoint;
}

/** Without a key anybody is answered. A key that is given must be right all the same: for most clients this is the first
 *  call, and one that went well with a mistyped key would send its owner looking for the mistake elsewhere. */
export function addOpenRoute(app: FastifyInstance, context: CatalogueContext, route: AnyEndpoint<CatalogueContext, object>): void {
  app.post(route.url, { config: { operation: operationOf(route, "optional") } }, async (request) => {
    const isAnonymous = (request.headers["x-api-key"] ?? "").toString().trim() === "";
    if (!isAnonymous) await authenticate(context, request);
    const largestBytes = isAnonymous ? limits.openBodyBytes : limits.bodyBytes;
    const fields = await readFields(request.raw, sentContentType(request), largestBytes);
    const body = (route.body as z.ZodType).parse(fields);
    return successEnvelope(await route.answer(context, { body, fields }));
  });
}
