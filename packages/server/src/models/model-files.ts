// Reads the folders of manifests and texts, and refuses what contradicts itself.

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

import type { Manifest } from "@atelier/schema/manifest";
import { modelKey } from "@atelier/schema/slug";

import { OperatorError } from "../operator-error.ts";
import { readManifest } from "./read-manifest.ts";
import { readCatalogue, readTexts } from "./read-texts.ts";
import type { ReadCatalogue } from "./read-texts.ts";

export interface ModelEntry {
  readonly manifest: Manifest;
  readonly file: string;
  readonly folder: string;
}

export interface ModelFiles {
  /** One for each model, in the order of the ids. */
  readonly entries: readonly ModelEntry[];
  readonly texts: ReadonlyMap<string, string>;
  /** By the comparable form of every alias. */
  readonly byAlias: ReadonlyMap<string, Manifest>;
}

/** How single files are read: a running server keeps the last good version of a broken one. */
export interface ModelReader {
  readonly manifest: (file: string) => Promise<Manifest | undefined>;
  readonly texts: ReadCatalogue;
}

/** Reads a manifest from its file. Throws CONFIG_INVALID. */
export async function readManifestFile(file: string): Promise<Manifest> {
  return readManifest(file, await readFile(file, "utf8"));
}

const plainReader: ModelReader = { manifest: readManifestFile, texts: readCatalogue };

/** Throws CONFIG_INVALID naming file, line and field, or the two files that declare the same thing. */
export async function readModelFiles(folders: readonly string[], read: ModelReader = plainReader): Promise<ModelFiles> {
  const byKey = new Map<string, ModelEntry>();
  for (const folder of folders) {
    for (const entry of await readFolder(folder, read)) {
      const key = modelKey(entry.manifest);
      const other = byKey.get(key);
      if (other?.folder === folder) throw twice(entry, other, `the model ${key}`);
      if (!other) byKey.set(key, entry);
    }
  }
  const entries = [...byKey.values()].toSorted((a, b) => Number(a.manifest.id) - Number(b.manifest.id));
  refuseRepeatedIds(entries);
  return { entries, byAlias: aliasesOf(entries, byKey), texts: await readTexts(folders, read.texts) };
}

/** The manifests of a folder, by name; none where there is no folder. */
export async function manifestNames(folder: string): Promise<string[]> {
  return (await readNames(folder)).filter((name) => name.endsWith(".json") && name !== weightsList).toSorted();
}

/** The list of weights and their hashes, beside the manifests. */
export const weightsList = "weights.json";

async function readFolder(folder: string, read: ModelReader): Promise<ModelEntry[]> {
  const names = await manifestNames(folder);
  const entries = await Promise.all(
    names.map(async (name) => {
      const file = join(folder, name);
      return { manifest: await read.manifest(file), file, folder };
    }),
  );
  return entries.filter((entry): entry is ModelEntry => entry.manifest !== undefined);
}

async function readNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function refuseRepeatedIds(entries: readonly ModelEntry[]): void {
  for (const [index, entry] of entries.entries()) {
    const other = entries[index - 1];
    if (other?.manifest.id === entry.manifest.id) throw twice(entry, other, `the id ${entry.manifest.id}`);
  }
}

/** Old names by which models go on answering. A name means one model: an alias may be no other model's name or alias. */
function aliasesOf(entries: readonly ModelEntry[], byKey: ReadonlyMap<string, ModelEntry>): Map<string, Manifest> {
  const owners = new Map<string, ModelEntry>();
  for (const entry of entries) {
    for (const alias of entry.manifest.aliases) {
      const [owner = "", slug = ""] = alias.split("/");
      const key = modelKey({ owner, slug });
      const other = byKey.get(key) ?? owners.get(key);
      if (other && other !== entry) throw twice(entry, other, `the name ${key}`);
      owners.set(key, entry);
    }
  }
  return new Map([...owners].map(([key, entry]) => [key, entry.manifest]));
}

function twice(entry: ModelEntry, other: ModelEntry, what: string): OperatorError {
  return new OperatorError("CONFIG_INVALID", {
    problem: `${entry.file} and ${other.file} both declare ${what}.`,
    remedy: "Rename or remove one of them.",
  });
}
