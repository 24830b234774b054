// One POST endpoint of the wire that anybody may call: the catalogue is public (docs/wire-contract.md, "Catalogue").

import { successEnvelope } from "@atelier/schema/wire-envelope";
import type { FastifyInstance } from "fastify";

import { limits } from "../limits.ts";
import { authenticate } from "./authenticate.ts";
import { readFields } from "./body.ts";
import type { Fields } from "./body.ts";
import type { CatalogueContext } from "./catalogue.ts";
import { sentContentType } from "./content-type.ts";

/** Returns the payload fields of a success; every failure is thrown. */
export type OpenRoute = (context: CatalogueContext, fields: Fields) => Promise<object>;

/** Without a key anybody is answered. A key that is given must be right all the same: for most clients this is the first
 *  call, and one that went well with a mistyped key would send its owner looking for the mistake elsewhere. */
export function addOpenRoute(app: FastifyInstance, context: CatalogueContext, route: { url: string; answer: OpenRoute }): void {
  app.post(route.url, async (request) => {
    const isAnonymous = (request.headers["x-api-key"] ?? "").toString().trim() === "";
    if (!isAnonymous) await authenticate(context, request);
    const largestBytes = isAnonymous ? limits.openBodyBytes : limits.bodyBytes;
    const fields = await readFields(request.raw, sentContentType(request), largestBytes);
    return successEnvelope(await route.answer(context, fields));
  });
}
