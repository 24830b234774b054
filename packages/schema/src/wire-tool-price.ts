// What a model's runs cost, in the forms of the wire (docs/wire-contract.md, "Prices").

import type { Manifest } from "./manifest.ts";
import { fixedDecimal } from "./wire-decimal.ts";

/** The price list: one entry, because runs are charged by the second whatever their input. A JSON list inside text, with a
 *  number as its price: an official client drops the whole price when either is otherwise. */
export function priceList(manifest: Pick<Manifest, "cps">): string {
  return JSON.stringify([{ inputs: {}, price: Number(manifest.cps), priceMethod: "cps" }]);
}

/** The mean cost of a run in US dollars with 12 places, or "" while no run has been measured. */
export function meanCost(manifest: Pick<Manifest, "cps">, meanElapsedSeconds: string | null): string {
  return meanElapsedSeconds === null ? "" : product(manifest.cps, meanElapsedSeconds);
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
