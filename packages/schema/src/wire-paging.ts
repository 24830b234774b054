// Which part of a list a request asks for (docs/wire-contract.md, "Paging").

import { z } from "zod";

import { lenientField, textIn } from "./lenient-field.ts";

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

const wholeNumberForm = { anyOf: [{ type: "string", pattern: "^[0-9]{1,15}$" }, { type: "integer", minimum: 0 }] };

/** `start`, `limit` and `order`, which clients send as text, as numbers, or not at all. What is no whole number, or names
 *  no page, is the default: a list is never refused for its paging. */
export const pagingFields = {
  start: lenientField({ ...wholeNumberForm, default: "0", description: "How many entries to leave out." }, (value) =>
    Math.min(wholeNumber(value) ?? 0, largestStart),
  ),
  limit: lenientField(
    { ...wholeNumberForm, default: String(defaultLimit), description: `How many entries to show, at most ${largestLimit}.` },
    (value) => Math.min(wholeNumber(value) || defaultLimit, largestLimit),
  ),
  order: lenientField(
    { type: "string", enum: ["ASC", "DESC"], default: "DESC", description: "Which end comes first." },
    (value) => (textIn(value).toUpperCase() === "ASC" ? ("ASC" as const) : ("DESC" as const)),
  ),
};

const pagingSchema = z.object(pagingFields);

export function pagingOf({ start, limit, order }: z.output<typeof pagingSchema>): Paging {
  return { start, limit, descending: order === "DESC" };
}

function wholeNumber(value: unknown): number | undefined {
  const text = textIn(value);
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}
