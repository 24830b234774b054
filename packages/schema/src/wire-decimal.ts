// Decimal numbers as the wire writes them: text with a fixed number of places, never through floating point.

/** Rewrites a plain decimal (`"0.00351"`, `"6"`) with exactly `places` digits after the point, rounding half away from zero.
 *  Throws when the text is not a plain decimal: stored amounts are, so anything else is a broken invariant. */
export function fixedDecimal(text: string, places: number): string {
  const match = /^(-?)([0-9]+)(?:\.([0-9]*))?$/.exec(text);
  if (!match) throw new Error(`not a plain decimal: ${JSON.stringify(text)}`);
  const [, sign = "", whole = "0", fraction = ""] = match;
  const kept = BigInt(whole + fraction.slice(0, places).padEnd(places, "0"));
  const rounded = Number(fraction.charAt(places) || "0") >= 5 ? kept + 1n : kept;
  const digits = rounded.toString().padStart(places + 1, "0");
  const body = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return rounded === 0n ? body : sign + body;
}

/** Money of a task, in US dollars: 12 places, and a bare "0" where nothing was charged. */
export function costText(amount: string): string {
  const text = fixedDecimal(amount, 12);
  return /[1-9]/.test(text) ? text : "0";
}
