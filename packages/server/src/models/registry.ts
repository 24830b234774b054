// The models that this server offers, as they were when they were last read from their manifests.

import { basename, extname, join } from "node:path";

import type { Manifest } from "@atelier/schema/manifest";
import { sampleFilesOf } from "@atelier/schema/sample-files";
import { modelKey } from "@atelier/schema/slug";

import { readModelFiles } from "./model-files.ts";
import type { ModelFiles, ModelReader } from "./model-files.ts";

export interface ModelRegistry {
  /** Every model, in the order of its id. Another list whenever a model or a text has changed. */
  list(): readonly Manifest[];
  /** Finds a model by percent-decoded slugs in any of their spellings (docs/wire-contract.md, "Slugs"), or by an alias. */
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

/** Loads every `*.json` directly inside the folders but `weights.json`; a folder that does not exist holds no models. Where two folders
 *  declare the same model, the first folder's manifest is used: a user's own comes before the one that is shipped.
 *  Throws CONFIG_INVALID naming file, line and field, or the two files that declare the same thing. */
export async function loadModels(folders: readonly string[], read?: ModelReader): Promise<ModelRegistry> {
  return registryOf(await readModelFiles(folders, read));
}

/** What a model without a cover is shown with: an official client refuses the whole list for one address that is none. */
const plainCover = join(import.meta.dirname, "../../assets/plain-cover.png");

/** `Owner-Slug-cover.ext`, as the generated model pages name covers. */
export function coverName(manifest: Manifest): string {
  const hyphened = (text: string): string => text.trim().replaceAll(/\s+/g, "-");
  return `${hyphened(manifest.owner)}-${hyphened(manifest.slug)}-cover${extname(manifest.cover || plainCover)}`;
}

function registryOf({ entries, texts, byAlias }: ModelFiles): ModelRegistry {
  const manifests = Object.freeze(entries.map((entry) => entry.manifest));
  const byKey = new Map([...byAlias, ...manifests.map((manifest) => [modelKey(manifest), manifest] as const)]);
  const covers = new Map(entries.map(({ manifest, folder }) => [coverName(manifest), manifest.cover === "" ? plainCover : join(folder, manifest.cover)]));
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
