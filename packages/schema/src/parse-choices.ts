// Reads several choices out of a parameter's options, in every form that clients send lists in.

import type { Parameter } from "./manifest.ts";
import { sentList } from "./sent-list.ts";

/** The texts of a list: a repeated key or JSON list, a list as JSON text, or text with commas; no option has a comma. Each once,
 *  in the order given. Undefined for what is no list of plain values, or too long for one. */
export function listedTexts(sent: unknown, mostCharacters: number): string[] | undefined {
  const list = sentList(sent, mostCharacters);
  if (!list) return undefined;
  const texts: string[] = [];
  for (const item of list) {
    if (item === undefined || item === null) continue;
    if (typeof item === "object") return undefined;
    texts.push(...(typeof item === "string" ? splitText(item) : [String(item)]));
  }
  return [...new Set(texts.map((text) => text.trim()).filter((text) => text !== ""))];
}

/** How many may be chosen, when any are. */
export function choiceCounts({ min, max, options = [] }: Pick<Parameter, "min" | "max" | "options">): [min: number, max: number] {
  return [min ?? 1, Math.min(max ?? options.length, options.length)];
}

function splitText(text: string): string[] {
  if (!text.trimStart().startsWith("[")) return text.split(",");
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.map(String) : [text];
  } catch {
    return [text]; // no option, to be refused as one
  }
}
