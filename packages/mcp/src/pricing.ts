// A model's prices in words, for an assistant that has to choose.

import { z } from "zod";

const list = z.array(z.object({ inputs: z.record(z.string(), z.string()).default({}), price: z.number(), priceMethod: z.string().default("cps") })).min(1);
const units: Readonly<Record<string, string>> = { cps: "per second", cpr: "per run", cpo: "per output" };

/** `$0.04 per run with quality=hd; $0.01 per output`: the first that applies is charged. `dynamicprice`: a JSON list as text. */
export function pricingOf({ dynamicprice, cps }: { dynamicprice?: string | undefined; cps?: string | undefined }): string | undefined {
  const prices = list.safeParse(parsed(dynamicprice ?? ""));
  if (!prices.success) return cps === undefined ? undefined : `$${Number(cps)} per second`;
  return prices.data.map(({ inputs, price, priceMethod }) => {
    const cases = Object.entries(inputs).map(([id, value]) => `${id}=${value}`);
    return [`$${price} ${units[priceMethod] ?? priceMethod}`, ...(cases.length > 0 ? [`with ${cases.join(", ")}`] : [])].join(" ");
  }).join("; ");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // another server's, without a list
  }
}
