// What a model's runs cost, in the forms of the wire (docs/wire-contract.md, "Prices").

import type { Manifest } from "./manifest.ts";
import { parseInput } from "./parse-input.ts";
import { priceOf, pricesOf } from "./price.ts";
import { fixedDecimal } from "./wire-decimal.ts";

type Priced = Pick<Manifest, "cps" | "prices">;

/** The price list. A JSON list inside text, with numbers as prices: an official client drops the whole list when either is
 *  otherwise. */
export function priceList(model: Priced): string {
  return JSON.stringify(pricesOf(model).map(({ inputs, price, priceMethod }) => ({ inputs, price: Number(price), priceMethod })));
}

/** What a run with the defaults costs in US dollars with 12 places: of a price by the second in the mean, or "" while no run has been
 *  measured; of a price by the output for one. */
export function meanCost(model: Priced & Pick<Manifest, "parameters">, meanElapsedSeconds: string | null): string {
  const { price, priceMethod } = priceOf(model, defaultInput(model));
  if (priceMethod !== "cps") return fixedDecimal(price, 12);
  return meanElapsedSeconds === null ? "" : product(price, meanElapsedSeconds);
}

/** What a run without values of its own stores: the price is chosen by that, not by how the defaults are written. */
function defaultInput({ parameters }: Pick<Manifest, "parameters">): Readonly<Record<string, unknown>> {
  const optional = parameters.flatMap((group) => group.items).map((item) => ({ ...item, required: false }));
  // The seed of such a run may be a drawn one, of which there is no price.
  const parsed = parseInput(optional, {}, { drawSeed: () => Number.NaN, textCharacters: Infinity });
  return parsed.ok ? parsed.input : {};
}

/** The mean time of a run (`10 seconds`), never under one second, or "" while no run has been measured. */
export function meanTime(meanElapsedSeconds: string | null): string {
  if (meanElapsedSeconds === null) return "";
  const seconds = Math.max(1, Math.round(Number(meanElapsedSeconds)));
  return seconds === 1 ? "1 second" : `${seconds} seconds`;
}

/** Two plain decimals multiplied without floating point, 12 places. */
function product(one: string, other: string): string {
  const places = 12;
  const digits = (text: string): bigint => BigInt(fixedDecimal(text, places).replace(".", ""));
  const whole = (digits(one) * digits(other)).toString().padStart(2 * places + 1, "0");
  return fixedDecimal(`${whole.slice(0, -2 * places)}.${whole.slice(-2 * places)}`, places);
}
