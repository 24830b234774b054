// Reads the text catalogue: what the label and help keys of the manifests mean to a person.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { parseJsonFile } from "./json-file.ts";

const catalogueSchema = z.record(z.string(), z.string());

/** A folder's catalogue, as pairs of key and text. */
export type ReadCatalogue = (file: string) => Promise<readonly (readonly [string, string])[]>;

/** The keys of `texts/en.json` in every folder that has one; where several explain a key, the first folder's text is used.
 *  Throws CONFIG_INVALID naming file, line and key. */
export async function readTexts(
  folders: readonly string[],
  read: ReadCatalogue = readCatalogue,
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const folder of folders) {
    for (const [key, text] of await read(join(folder, "texts", "en.json"))) {
      if (!texts.has(key)) texts.set(key, text);
    }
  }
  return texts;
}

export async function readCatalogue(file: string): Promise<[string, string][]> {
  const text = await readFile(file, "utf8").catch(ignoreMissing);
  if (text === undefined) return [];
  return Object.entries(parseJsonFile({ file, text, kind: "text catalogue" }, catalogueSchema));
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
