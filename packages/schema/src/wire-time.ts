// Times as the wire writes them (docs/wire-contract.md, "Scalars").

/** Whole unix seconds as text; "0" for a moment that has not come. */
export function unixSeconds(moment: Date | null): string {
  return moment === null ? "0" : String(Math.floor(moment.getTime() / 1000));
}
