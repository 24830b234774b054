// Which part of a list a request asks for (docs/wire-contract.md, "Paging").

export interface Paging {
  readonly start: number;
  readonly limit: number;
  /** False only where the request says `ASC`. */
  readonly descending: boolean;
}

const defaultLimit = 20;
const largestLimit = 100;
/** Later than any list is long; PostgreSQL's offset takes it. */
const largestStart = 1_000_000_000;

/** Reads `start`, `limit` and `order`, which clients send as text, as numbers, or not at all. What is no whole number, or
 *  names no page, is the default: a list is never refused for its paging. */
export function pagingIn(fields: Readonly<Record<string, unknown>>): Paging {
  const limit = wholeNumber(fields["limit"]) ?? 0;
  return {
    start: Math.min(wholeNumber(fields["start"]) ?? 0, largestStart),
    limit: limit === 0 ? defaultLimit : Math.min(limit, largestLimit),
    descending: textIn(fields["order"]).toUpperCase() !== "ASC",
  };
}

/** The text of a field that may be a list of one (a form's repeated key) or absent. */
export function textIn(value: unknown): string {
  const single: unknown = Array.isArray(value) ? value[0] : value;
  return typeof single === "string" || typeof single === "number" ? String(single).trim() : "";
}

function wholeNumber(value: unknown): number | undefined {
  const text = textIn(value);
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}
