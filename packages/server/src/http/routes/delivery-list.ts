// POST /v1/Delivery/List: the project's callbacks, page by page (docs/wire-contract.md, "Deliveries").

import { wireDeliveryRecord, wireDeliveryRecordSchema } from "@atelier/schema/wire-delivery-record";
import { pagingFields, pagingOf } from "@atelier/schema/wire-paging";
import { digitsText } from "@atelier/schema/wire-scalars";
import { z } from "zod";

import { countDeliveries, selectDeliveryPage } from "../../db/queries/delivery-pages.ts";
import { wireRoute } from "../wire-route.ts";

/** Only the caller's own. */
export const deliveryList = wireRoute({
  url: "/v1/Delivery/List",
  id: "deliveryList",
  summary: "List the project's callbacks with their tries",
  tag: "Deliveries",
  body: z.object(pagingFields),
  reply: { total: digitsText, deliverylist: z.array(wireDeliveryRecordSchema) },
  answer: async ({ db }, { caller, body }) => {
    const page = { projectId: caller.id, ...pagingOf(body) };
    const [total, deliveries] = await Promise.all([countDeliveries(db, caller.id), selectDeliveryPage(db, page)]);
    return { total, deliverylist: deliveries.map(wireDeliveryRecord) };
  },
});
