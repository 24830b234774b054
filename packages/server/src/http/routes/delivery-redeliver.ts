// POST /v1/Delivery/Redeliver: sends a callback again (docs/wire-contract.md, "Deliveries").

import { wireDeliveryRecord, wireDeliveryRecordSchema } from "@atelier/schema/wire-delivery-record";
import { z } from "zod";

import { renewDelivery } from "../../db/queries/deliveries.ts";
import { selectDelivery } from "../../db/queries/delivery-pages.ts";
import { AtelierError } from "../../errors.ts";
import { deliveryReference, deliveryReferenceFields } from "../delivery-reference.ts";
import { wireRoute } from "../wire-route.ts";

/** Whatever became of it: it is due now, with the whole schedule of tries and the same `webhook-id`. Another project's
 *  delivery is not found. */
export const deliveryRedeliver = wireRoute({
  url: "/v1/Delivery/Redeliver",
  id: "deliveryRedeliver",
  summary: "Send a callback again, whatever became of it",
  tag: "Deliveries",
  body: z.object(deliveryReferenceFields),
  reply: { deliverylist: z.array(wireDeliveryRecordSchema).length(1) },
  failures: ["DELIVERY_NOT_FOUND"],
  answer: async ({ db }, { caller, body }) => {
    const reference = deliveryReference(body, caller.id);
    const delivery = (await renewDelivery(db, reference)) ? await selectDelivery(db, reference) : undefined;
    if (!delivery) throw new AtelierError("DELIVERY_NOT_FOUND");
    return { deliverylist: [wireDeliveryRecord(delivery)] };
  },
});
