// Reads several choices out of a parameter's options, in every form that clients send lists in.

import type { Parameter } from "./manifest.ts";

/** The texts of a list: a repeated key or JSON list, a list as JSON text, or text with commas; no option has a comma. Each once,
 *  in the order given. Undefined for what is no list of plain values. */
export function listedTexts(sent: unknown): string[] | undefined {
  const list = Array.isArray(sent) ? (sent as unknown[]) : [sent];
  const texts: string[] = [];
  for (const item of list) {
    if (item === undefined || item === null) continue;
    if (typeof item === "object") return undefined;
    // No spread: a list longer than the stack would end the call.
    for (const text of typeof item === "string" ? splitText(item) : [String(item)]) texts.push(text);
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
