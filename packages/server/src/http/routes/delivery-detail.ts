// POST /v1/Delivery/Detail: one callback with its tries (docs/wire-contract.md, "Deliveries").

import { wireDeliveryRecord, wireDeliveryRecordSchema } from "@atelier/schema/wire-delivery-record";
import { z } from "zod";

import { selectDelivery } from "../../db/queries/delivery-pages.ts";
import { AtelierError } from "../../errors.ts";
import { deliveryReference, deliveryReferenceFields } from "../delivery-reference.ts";
import { wireRoute } from "../wire-route.ts";

/** Another project's delivery is not found. */
export const deliveryDetail = wireRoute({
  url: "/v1/Delivery/Detail",
  id: "deliveryDetail",
  summary: "Show one callback with its tries",
  tag: "Deliveries",
  body: z.object(deliveryReferenceFields),
  reply: { deliverylist: z.array(wireDeliveryRecordSchema).length(1) },
  failures: ["DELIVERY_NOT_FOUND"],
  answer: async ({ db }, { caller, body }) => {
    const delivery = await selectDelivery(db, deliveryReference(body, caller.id));
    if (!delivery) throw new AtelierError("DELIVERY_NOT_FOUND");
    return { deliverylist: [wireDeliveryRecord(delivery)] };
  },
});
