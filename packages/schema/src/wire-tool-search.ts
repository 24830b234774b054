// Finds models by words and puts them in order (docs/wire-contract.md, "Tool/List").

import type { Manifest } from "./manifest.ts";
import { slugKey } from "./slug.ts";
import type { ToolQuery } from "./wire-tool-query.ts";

/** One page of the models that a query finds, and how many it finds in all. */
export function searchTools(
  manifests: readonly Manifest[],
  query: ToolQuery,
): { readonly total: number; readonly tools: readonly Manifest[] } {
  const allowed = manifests.filter((manifest) => isAllowed(manifest, query));
  const words = [...new Set(wordsOf(query.search))].filter((word) => !emptyWords.has(word));
  // Of "the best model" nothing is left that tells models apart: then all are shown.
  const found = words.length === 0 ? allowed.map((manifest) => ({ manifest, score: 0 })) : scored(allowed, words, query.search);
  const ordered = found.toSorted((a, b) => compare(a, b, query));
  return { total: ordered.length, tools: ordered.slice(query.start, query.start + query.limit).map((one) => one.manifest) };
}

interface Scored {
  readonly manifest: Manifest;
  readonly score: number;
}

/** Words that say nothing about which model is meant; `model` and `tool` are also marker categories. */
const emptyWords = new Set(
  ("a an and any are as at be best by can could create do for from generate get give good have how i in into is it like " +
    "make me model models my need of on or please should some something that the this to tool use want which with would you")
    .split(" "),
);

function isAllowed(manifest: Manifest, query: ToolQuery): boolean {
  return (
    hasOne(manifest.categories, query.categories) &&
    hasOne(manifest.tags, query.tags) &&
    (query.owner === "" || slugKey(manifest.owner) === query.owner)
  );
}

function hasOne(names: readonly string[], wanted: readonly string[]): boolean {
  return wanted.length === 0 || names.some((name) => wanted.includes(name.toLowerCase()));
}

/** Best first, also without an `order`; equal ones with the newest first. `ASC` turns both round. */
function compare(a: Scored, b: Scored, query: ToolQuery): number {
  const byId = Number(a.manifest.id) - Number(b.manifest.id);
  const ascending = (query.sort === "relevance" ? a.score - b.score : 0) || byId;
  return query.descending ? -ascending : ascending;
}

/** The models in which at least one word occurs. A word counts for more the fewer models have it (inverse document
 *  frequency), and the more telling the place is where it stands. */
function scored(manifests: readonly Manifest[], words: readonly string[], search: string): Scored[] {
  const matches = manifests.map((manifest) => {
    const places = placesOf(manifest);
    return words.map((word) => Math.max(...places.map((place) => place.weight * bestMatch(word, place.words))));
  });
  const rarity = words.map((_word, at) => {
    const having = matches.filter((scores) => (scores[at] ?? 0) > 0).length;
    return Math.log(1 + manifests.length / Math.max(having, 1));
  });
  return manifests
    .map((manifest, index) => {
      const sum = (matches[index] ?? []).reduce((total, score, at) => total + score * (rarity[at] ?? 0), 0);
      return { manifest, score: sum > 0 && isNamed(manifest, search) ? sum + nameBonus : sum };
    })
    .filter((one) => one.score > 0);
}

/** Above any sum of single words: who writes a model's name means that model. */
const nameBonus = 1_000;

function isNamed(manifest: Manifest, search: string): boolean {
  const wanted = slugKey(search);
  const slug = slugKey(manifest.slug);
  return [slug, `${slugKey(manifest.owner)}/${slug}`, slugKey(manifest.title)].includes(wanted);
}

interface Place {
  readonly weight: number;
  readonly words: readonly string[];
}

function placesOf(manifest: Manifest): Place[] {
  const sampleTexts = manifest.examples.flatMap((example) => Object.values(example));
  return [
    { weight: 8, words: wordsOf(`${manifest.title} ${manifest.slug}`) },
    { weight: 5, words: wordsOf(`${manifest.owner} ${manifest.tags.join(" ")}`) },
    { weight: 4, words: wordsOf(manifest.categories.join(" ")) },
    { weight: 2, words: wordsOf(manifest.description) },
    { weight: 1, words: wordsOf(sampleTexts.join(" ")) },
  ];
}

function bestMatch(word: string, candidates: readonly string[]): number {
  return candidates.reduce((best, candidate) => Math.max(best, match(word, candidate)), 0);
}

/** 1 for the word itself, less for its beginnings and endings (`picture`, `pictures`), least for a part of a word. */
function match(word: string, candidate: string): number {
  if (word === candidate) return 1;
  if (word.length >= 3 && candidate.startsWith(word)) return 0.7;
  if (candidate.length >= 4 && word.startsWith(candidate)) return 0.6;
  // Scripts without spaces between words: a part is all there is to find.
  const isPart = (word.length >= 4 || /[^\p{ASCII}]/u.test(word)) && candidate.includes(word);
  return isPart ? 0.4 : 0;
}

/** Lower case, without accents, at most 1,000 words. */
function wordsOf(text: string): string[] {
  const plain = text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return plain.split(/[^\p{L}\p{N}]+/u, 1_000).filter((word) => word !== "");
}
