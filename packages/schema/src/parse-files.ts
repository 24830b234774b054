// Reads which files a request names for one parameter, by part, address or id, in every form that clients send.

import { companionKey } from "./input-file.ts";
import type { NamedFile } from "./input-file.ts";
import type { Parameter } from "./manifest.ts";
import type { ProblemCode } from "./parse-value.ts";
import { sentList } from "./sent-list.ts";

export interface FileRules {
  /** Files that arrived in the body, by the name of their field. */
  readonly fileParts: Readonly<Record<string, number>>;
  /** Most files of one parameter, and characters of one address. */
  readonly most: number;
  readonly urlCharacters: number;
}

export type ParsedFiles = { readonly files: readonly NamedFile[] } | { readonly problem: ProblemCode };

/** Parts first, then addresses under the parameter's own name, then those of its `Url` companion. Of a single file the first
 *  of these counts. `min` and `max` of the parameter bound the number. An optional parameter may name none. */
export function parseFiles(
  parameter: Parameter,
  raw: Readonly<Record<string, unknown>>,
  { fileParts, most, urlCharacters }: FileRules,
): ParsedFiles {
  // As many addresses as may be, with what parts them as text or JSON.
  const mostCharacters = most * (urlCharacters + 4);
  const own = textsOf(parameter, sentList(ownValue(raw, parameter.id), mostCharacters));
  const companion = textsOf(parameter, sentList(ownValue(raw, companionKey(parameter.id)), mostCharacters));
  if (!own || !companion) return { problem: "PARAMETER_INVALID" };
  const partCount = Object.hasOwn(fileParts, parameter.id) ? (fileParts[parameter.id] ?? 0) : 0;
  const parts = Array.from({ length: partCount }, (_, part): NamedFile => ({ part }));
  const isSingle = parameter.type === "fileinput";
  const sources = [parts, own.map(namedFile), companion.map(namedFile)];
  const given = isSingle ? (sources.find((list) => list.length > 0) ?? []) : sources.flat();
  const files = given.length === 0 && !parameter.required ? defaultOf(parameter) : given;
  if (files.length === 0) return parameter.required ? { problem: "FILES_REQUIRED" } : { files };
  if (isSingle && files.length > 1) return { problem: "PARAMETER_INVALID" };
  if (files.some((file) => "url" in file && file.url.length > urlCharacters)) return { problem: "PARAMETER_INVALID" };
  const [min, max] = fileCounts(parameter, most);
  return files.length < min || files.length > max ? { problem: "PARAMETER_OUT_OF_RANGE" } : { files };
}

/** How many files a parameter takes when it takes any. */
export function fileCounts({ type, min, max }: Pick<Parameter, "type" | "min" | "max">, most: number): [min: number, max: number] {
  return type === "fileinput" ? [1, 1] : [min ?? 1, Math.min(max ?? most, most)];
}

function ownValue(raw: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(raw, key) ? raw[key] : undefined;
}

/** The texts of the values sent: text, or a list as JSON text. Empty ones are not given. Undefined for objects, numbers, NUL,
 *  and a list that is too long. */
function textsOf(parameter: Parameter, list: readonly unknown[] | undefined): string[] | undefined {
  if (!list) return undefined;
  const texts: string[] = [];
  for (const item of list) {
    // Some clients send 0 for every field that was not touched.
    if (item === undefined || item === null || item === "" || item === 0) continue;
    if (typeof item !== "string" || item.includes("\0")) return undefined;
    texts.push(...(parameter.type === "fileinput" ? [item] : splitList(item)));
  }
  return texts.map((text) => text.trim()).filter((text) => text !== "");
}

/** A comma ends an address only where another address or id follows: addresses may hold commas. */
function splitList(text: string): string[] {
  return jsonTexts(text) ?? text.split(/,(?=\s*(?:https?:\/\/|\/|samples\/|[0-9a-f]{32}\s*(?:,|$)))/i);
}

function jsonTexts(text: string): string[] | undefined {
  if (!text.trimStart().startsWith("[")) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((item) => typeof item === "string") ? parsed : undefined;
  } catch {
    return undefined; // an address like any other, to be refused as one
  }
}

function namedFile(text: string): NamedFile {
  return /^[0-9a-f]{32}$/.test(text) ? { id: text } : { url: text };
}

/** What an optional parameter has when nothing is given. A required one is never filled in: its default is what pages show. */
function defaultOf(parameter: Parameter): NamedFile[] {
  return parameter.default === "" ? [] : parameter.default.split(",").map((text) => ({ url: text.trim() }));
}
