// What a request asks of the catalogue (docs/wire-contract.md, "Tool/List").

import { z } from "zod";

import { ignoredField, lenientField, textField, textIn } from "./lenient-field.ts";
import { slugKey } from "./slug.ts";
import { pagingFields, pagingOf } from "./wire-paging.ts";
import type { Paging } from "./wire-paging.ts";

export interface ToolQuery extends Paging {
  /** Free text, possibly a whole sentence; "" finds everything. */
  readonly search: string;
  /** `relevance` where the caller searches, else the order of the ids: the catalogue has neither ratings nor comments, and
   *  ids count up with time, so `time`, `ratedusercount`, `commentcount` and `averagepoint` are that order too. */
  readonly sort: "relevance" | "id";
  /** Lower case; a model needs one of them. Empty: no filter. */
  readonly categories: readonly string[];
  readonly tags: readonly string[];
  /** Comparable form (`slugKey`); "" for any. */
  readonly owner: string;
}

/** Longer than any sentence a person types; the rest is not looked at. */
const searchCharacters = 2_000;
const listItems = 100;

const sorts = ["id", "relevance", "time", "ratedusercount", "commentcount", "averagepoint"];

/** The body of `/Tool/List`. Never refuses: what it cannot understand counts as not given. */
export const toolQueryFields = z
  .object({
    ...pagingFields,
    search: lenientField({ type: "string", description: "Words, a model's name or a whole sentence." }, (value) =>
      textIn(value).slice(0, searchCharacters),
    ),
    sort: lenientField(
      { type: "string", enum: sorts, default: "id", description: "There are no ratings: all but `relevance` sort by id." },
      (value) => (textIn(value).toLowerCase() === "relevance" ? ("relevance" as const) : ("id" as const)),
    ),
    categories: namesField("A model needs one of these categories; empty: any."),
    tags: namesField("A model needs one of these tags; empty: any."),
    slugowner: textField("Only models of this owner."),
    hideworkflows: ignoredField({ type: "boolean", description: "Accepted; there are no workflows." }),
    summary: ignoredField({ type: "boolean", description: "Accepted; a list is a summary." }),
  })
  .meta({ id: "ToolListRequest" });

export function toolQueryOf(body: z.output<typeof toolQueryFields>): ToolQuery {
  const { search, sort, categories, tags, slugowner } = body;
  return { ...pagingOf(body), search, sort, categories, tags, owner: slugKey(slugowner) };
}

function namesField(description: string) {
  return lenientField({ type: "array", items: { type: "string" }, description }, namesIn);
}

/** A list of names: a list, one name, or text that holds a JSON list or names between commas, as forms send it. */
function namesIn(value: unknown): string[] {
  const given: unknown[] = Array.isArray(value) ? value : [value];
  const names = given.flatMap((one) => (typeof one === "string" ? namesInText(one) : []));
  return names.map((name) => name.trim().toLowerCase()).filter((name) => name !== "").slice(0, listItems);
}

function namesInText(text: string): string[] {
  if (!text.trim().startsWith("[")) return text.split(",");
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter((name) => typeof name === "string") : [];
  } catch {
    // Not JSON after all: then it is no list that anyone meant.
    return [];
  }
}
