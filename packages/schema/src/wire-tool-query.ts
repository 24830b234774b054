// What a request asks of the catalogue (docs/wire-contract.md, "Tool/List").

import { slugKey } from "./slug.ts";
import { pagingIn, textIn } from "./wire-paging.ts";
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

/** Never refuses: what it cannot understand counts as not given. */
export function toolQueryIn(fields: Readonly<Record<string, unknown>>): ToolQuery {
  return {
    ...pagingIn(fields),
    search: textIn(fields["search"]).slice(0, searchCharacters),
    sort: textIn(fields["sort"]).toLowerCase() === "relevance" ? "relevance" : "id",
    categories: namesIn(fields["categories"]),
    tags: namesIn(fields["tags"]),
    owner: slugKey(textIn(fields["slugowner"])),
  };
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
