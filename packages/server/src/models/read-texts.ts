// Reads the text catalogue: what the label and help keys of the manifests mean to a person.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { OperatorError } from "../operator-error.ts";
import { lineOfPath, lineOfSyntaxError } from "./json-position.ts";

const catalogueSchema = z.record(z.string(), z.string());

/** The keys of `texts/en.json` in every folder that has one; where several explain a key, the first folder's text is used.
 *  Throws CONFIG_INVALID naming file, line and key. */
export async function readTexts(folders: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const folder of folders) {
    for (const [key, text] of await readCatalogue(join(folder, "texts", "en.json"))) {
      if (!texts.has(key)) texts.set(key, text);
    }
  }
  return texts;
}

async function readCatalogue(file: string): Promise<[string, string][]> {
  const text = await readFile(file, "utf8").catch(ignoreMissing);
  if (text === undefined) return [];
  const parsed = catalogueSchema.safeParse(parseJson(file, text));
  if (parsed.success) return Object.entries(parsed.data);
  const lines = parsed.error.issues.map(
    ({ path, message }) => `${file}:${lineOfPath(text, path)}: ${path.join(".") || "catalogue"}: ${message}.`,
  );
  throw invalid(lines.join("\n"), undefined);
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // JSON.parse throws nothing else.
    const syntaxError = error as SyntaxError;
    throw invalid(`${file}:${lineOfSyntaxError(text, syntaxError)}: ${syntaxError.message}.`, error);
  }
}

function invalid(problem: string, cause: unknown): OperatorError {
  return new OperatorError("CONFIG_INVALID", { problem, remedy: "Correct the text catalogue." }, { cause });
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
