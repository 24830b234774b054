// What a run of a model costs: by which of its prices, chosen by the run's input (docs/wire-contract.md, "Prices").

import type { Manifest, Price } from "./manifest.ts";

type Priced = Pick<Manifest, "cps" | "prices">;

/** Every price in the order in which they are tried; the last is of any input. */
export function pricesOf({ cps, prices }: Priced): Price[] {
  const bySecond: Price = { inputs: {}, price: cps, priceMethod: "cps" };
  const end = prices.findIndex(({ inputs }) => Object.keys(inputs).length === 0);
  return end < 0 ? [...prices, bySecond] : prices.slice(0, end + 1);
}

/** The first price whose inputs the run has. `input`: validated values, or a form's texts. */
export function priceOf(model: Priced, input: Readonly<Record<string, unknown>>): Price {
  const prices = pricesOf(model);
  const found = prices.find(({ inputs }) => Object.entries(inputs).every(([id, wanted]) => matches(input[id], wanted)));
  // The last one asks for nothing.
  return found ?? (prices.at(-1) as Price);
}

/** `QUANTITY:n`: so many files or choices. */
function matches(value: unknown, wanted: string): boolean {
  const quantity = /^QUANTITY:([0-9]+)$/.exec(wanted)?.[1];
  if (quantity === undefined) return String(value ?? "") === wanted;
  return (Array.isArray(value) ? value.length : 0) === Number(quantity);
}
