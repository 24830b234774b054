// What a project may see and do about its own callbacks.

import type { Queryable } from "../db/queryable.ts";
import { renewDelivery, selectDeliveries } from "../db/queries/deliveries.ts";
import type { Delivery } from "../db/queries/deliveries.ts";
import { limits } from "../limits.ts";

export type { Delivery } from "../db/queries/deliveries.ts";

/** The project's deliveries, the newest first, with their tries. `beforeId`: the last id of the page before. */
export async function listDeliveries(
  deps: { readonly db: Queryable },
  page: { readonly projectId: string; readonly beforeId?: string | undefined; readonly rows?: number | undefined },
): Promise<Delivery[]> {
  const rows = Math.min(Math.max(page.rows ?? limits.deliveryListRows, 1), limits.deliveryListRows);
  if (page.beforeId !== undefined && !isDeliveryId(page.beforeId)) return [];
  return selectDeliveries(deps.db, { projectId: page.projectId, beforeId: page.beforeId ?? null, rows });
}

/** Sends a delivery again, whatever became of it: same webhook-id, the whole schedule of tries. False when the project has
 *  no such delivery; another project's is answered like a missing one. */
export async function redeliver(
  deps: { readonly db: Queryable },
  reference: { readonly projectId: string; readonly deliveryId: string },
): Promise<boolean> {
  return isDeliveryId(reference.deliveryId) && renewDelivery(deps.db, reference);
}

const largestId = 9_223_372_036_854_775_807n;

/** Whether the text may be a delivery's id. */
export function isDeliveryId(text: string): boolean {
  return /^\d{1,19}$/.test(text) && BigInt(text) <= largestId;
}
