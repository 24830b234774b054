// The models that this server offers, read from their manifests.

import { readFile, readdir } from "node:fs/promises";
import { basename, extname, join } from "node:path";

import type { Manifest } from "@atelier/schema/manifest";
import { sampleFilesOf } from "@atelier/schema/sample-files";
import { modelKey } from "@atelier/schema/slug";

import { OperatorError } from "../operator-error.ts";
import { readManifest } from "./read-manifest.ts";
import { readTexts } from "./read-texts.ts";

export interface ModelRegistry {
  /** Every model, in the order of its id. */
  list(): readonly Manifest[];
  /** Finds a model by percent-decoded slugs in any of their spellings (docs/wire-contract.md, "Slugs"). */
  find(name: { owner: string; slug: string }): Manifest | undefined;
  /** Finds a model by `owner/slug`, the form in which tasks store it. */
  findByName(name: string): Manifest | undefined;
  /** Path of the picture served at `/uploads/models/{fileName}`, or undefined. */
  coverPath(fileName: string): string | undefined;
  /** Path of the picture served at `/uploads/samples/{fileName}`: only those that a manifest names as a sample input. */
  samplePath(fileName: string): string | undefined;
  /** What a label or help key of the manifests means to a person (docs/wire-contract.md, "Parameters"). */
  textOf(key: string): string | undefined;
}

interface Entry {
  readonly manifest: Manifest;
  readonly file: string;
  readonly folder: string;
}

/** Loads every `*.json` directly inside the folders but `weights.json`; a folder that does not exist holds no models. Where two folders
 *  declare the same model, the first folder's manifest is used: a user's own comes before the one that is shipped.
 *  Throws CONFIG_INVALID naming file, line and field, or the two files that declare the same thing. */
export async function loadModels(folders: readonly string[]): Promise<ModelRegistry> {
  const byKey = new Map<string, Entry>();
  for (const folder of folders) {
    for (const entry of await readFolder(folder)) {
      const key = modelKey(entry.manifest);
      const other = byKey.get(key);
      if (other?.folder === folder) throw twice(entry, other, `the model ${key}`);
      if (!other) byKey.set(key, entry);
    }
  }
  const entries = [...byKey.values()].toSorted((a, b) => Number(a.manifest.id) - Number(b.manifest.id));
  refuseRepeatedIds(entries);
  return registryOf(entries, await readTexts(folders));
}

/** `Owner-Slug-cover.ext`, as the generated model pages name covers. */
export function coverName(manifest: Manifest): string {
  const hyphened = (text: string): string => text.trim().replaceAll(/\s+/g, "-");
  return `${hyphened(manifest.owner)}-${hyphened(manifest.slug)}-cover${extname(manifest.cover)}`;
}

function registryOf(entries: readonly Entry[], texts: ReadonlyMap<string, string>): ModelRegistry {
  const manifests = Object.freeze(entries.map((entry) => entry.manifest));
  const byKey = new Map(manifests.map((manifest) => [modelKey(manifest), manifest]));
  const covers = new Map(entries.map(({ manifest, folder }) => [coverName(manifest), join(folder, manifest.cover)]));
  const samples = new Map(
    entries.flatMap(({ manifest, folder }) => sampleFilesOf(manifest).map((file) => [basename(file), join(folder, file)] as const)),
  );
  const find: ModelRegistry["find"] = (name) => byKey.get(modelKey(name));
  return Object.freeze({
    list: () => manifests,
    find,
    findByName(name: string) {
      const [owner, slug, ...more] = name.split("/");
      return owner === undefined || slug === undefined || more.length > 0 ? undefined : find({ owner, slug });
    },
    coverPath: (fileName: string) => covers.get(fileName),
    samplePath: (fileName: string) => samples.get(fileName),
    textOf: (key: string) => texts.get(key),
  });
}

async function readFolder(folder: string): Promise<Entry[]> {
  const names = (await readNames(folder)).filter((name) => name.endsWith(".json") && name !== weightsList).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const file = join(folder, name);
      return { manifest: readManifest(file, await readFile(file, "utf8")), file, folder };
    }),
  );
}

/** The list of weights and their hashes, beside the manifests. */
const weightsList = "weights.json";

async function readNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function refuseRepeatedIds(entries: readonly Entry[]): void {
  for (const [index, entry] of entries.entries()) {
    const other = entries[index - 1];
    if (other?.manifest.id === entry.manifest.id) throw twice(entry, other, `the id ${entry.manifest.id}`);
  }
}

function twice(entry: Entry, other: Entry, what: string): OperatorError {
  return new OperatorError("CONFIG_INVALID", {
    problem: `${entry.file} and ${other.file} both declare ${what}.`,
    remedy: "Rename or remove one of them.",
  });
}
