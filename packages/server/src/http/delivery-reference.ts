// Reads which delivery a request is about (docs/wire-contract.md, "Deliveries").

import { textField } from "@atelier/schema/lenient-field";

import { AtelierError } from "../errors.ts";

export const deliveryReferenceFields = { deliveryid: textField("The delivery's id.") };

const largestId = 9_223_372_036_854_775_807n;

/** Throws DELIVERY_NOT_FOUND for what can be no id. */
export function deliveryReference(body: { readonly deliveryid: string }, projectId: string): { projectId: string; deliveryId: string } {
  const { deliveryid: deliveryId } = body;
  if (!/^\d{1,19}$/.test(deliveryId) || BigInt(deliveryId) > largestId) throw new AtelierError("DELIVERY_NOT_FOUND");
  return { projectId, deliveryId };
}
