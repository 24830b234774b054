// Adds models to a user's own folder and removes them; a running server sees either by itself.

import { constants } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, normalize, resolve, sep } from "node:path";

import { cleanModelName, slugSchema } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";
import { sampleFilesOf } from "@atelier/schema/sample-files";
import { modelKey } from "@atelier/schema/slug";

import { limits } from "../limits.ts";
import { OperatorError } from "../operator-error.ts";
import { checkAdapter } from "./adapter-header.ts";
import { adapterManifest, findBaseModel } from "./adapter-manifest.ts";
import type { AdapterFacts } from "./adapter-manifest.ts";
import { readManifestFile, readModelFiles } from "./model-files.ts";
import type { ModelEntry } from "./model-files.ts";
import { checkListed, listWeights, unlistWeights } from "./weights-list.ts";

export interface ModelHome {
  /** The user's own folder first. */
  readonly modelFolders: readonly string[];
}

export interface AddedModel {
  readonly name: string;
  readonly id: string;
  readonly file: string;
}

/** Copies (or links) a manifest's files and then the manifest, so that no server sees it without them.
 *  Throws CONFIG_INVALID or COMMAND_FAILED before anything is written. */
export async function addManifest(home: ModelHome, path: string, how: { isLinked: boolean }): Promise<AddedModel> {
  const file = resolve(path);
  const manifest = await readManifestFile(file);
  await refuseConflicts(home, manifest);
  const from = dirname(file);
  const files = [...new Set([...weightsOf(manifest), ...[manifest.cover, ...sampleFilesOf(manifest)].filter(isBelow)])];
  const brought = await existing(from, files);
  const found = await Promise.all(home.modelFolders.map((folder) => existing(folder, files)));
  const missing = weightsOf(manifest).filter((one) => !brought.includes(one) && !found.flat().includes(one));
  if (manifest.variants.every((variant) => weightsOfVariant(variant).some((one) => missing.includes(one)))) {
    throw refusal(`${file} cannot be run: ${missing.join(", ")} is neither beside it nor in the models folders.`, "Put the weights beside the manifest, or correct its variants.");
  }
  for (const one of await filesUnder(from, brought)) await checkListed({ folder: from, file: one });
  const own = ownFolder(home);
  for (const one of brought) await bring(join(from, one), join(own, one), how);
  return finish(own, manifest, brought);
}

/** Makes a model of a base and an adapter file. Throws COMMAND_FAILED when the file is no adapter, or does not fit. */
export async function addAdapter(
  home: ModelHome,
  path: string,
  how: Omit<AdapterFacts, "fileName"> & { readonly base: string; readonly isLinked: boolean },
): Promise<AddedModel> {
  const file = resolve(path);
  const { entries } = await readModelFiles(home.modelFolders);
  const models = entries.map((entry) => entry.manifest);
  const base = findBaseModel(models, how.base);
  const manifest = adapterManifest(base, models, { ...how, fileName: basename(file) });
  for (const slug of [manifest.owner, manifest.slug]) refuseUnreachable(slug);
  const bases = manifest.variants.map((variant) => variant.base);
  const folders = home.modelFolders.flatMap((folder) => bases.map((one) => join(folder, one)));
  const present = await Promise.all(folders.map(async (folder) => ((await exists(folder)) ? [folder] : [])));
  await checkAdapter(file, present.flat()[0] ?? "");
  await refuseConflicts(home, manifest);
  const own = ownFolder(home);
  const target = `adapters/${basename(file)}`;
  await bring(file, join(own, target), how);
  return finish(own, manifest, [target]);
}

/** Removes a manifest of the user's own folder, and with `weights` the files that no other model of it uses.
 *  Throws COMMAND_FAILED for a model that is missing or that is not the user's own. */
export async function removeModel(home: ModelHome, name: string, options: { withWeights: boolean }): Promise<string[]> {
  const { entries } = await readModelFiles(home.modelFolders);
  const entry = findEntry(entries, name);
  const own = ownFolder(home);
  if (entry.folder !== own) throw refusal(`${name} is not in ${own}: it belongs to the installation.`, "Only your own models can be removed.");
  await rm(entry.file);
  if (!options.withWeights) return [entry.file];
  const used = new Set(entries.filter((other) => other !== entry).flatMap((other) => weightsOf(other.manifest)));
  const unused = await existing(own, weightsOf(entry.manifest).filter((file) => !used.has(file)));
  await unlistWeights(own, await filesUnder(own, unused));
  for (const file of unused) await rm(join(own, file), { recursive: true, force: true });
  return [entry.file, ...unused.map((file) => join(own, file))];
}

/** Throws COMMAND_FAILED when there is no such model. */
export function findEntry(entries: readonly ModelEntry[], name: string): ModelEntry {
  const [owner = "", slug = ""] = name.split("/");
  const key = modelKey({ owner, slug });
  const found = entries.find(({ manifest }) => modelKey(manifest) === key);
  if (found) return found;
  throw refusal(`There is no model ${name}.`, "`atelier model list` shows all.");
}

function ownFolder({ modelFolders }: ModelHome): string {
  const [own] = modelFolders;
  if (own === undefined) throw new Error("a configuration has a folder for the user's own models");
  return own;
}

async function finish(own: string, manifest: Manifest, files: readonly string[]): Promise<AddedModel> {
  await mkdir(own, { recursive: true });
  await listWeights(own, (await filesUnder(own, files)).filter((file) => file.endsWith(".safetensors")));
  const name = cleanModelName(manifest);
  const file = join(own, `${name.replaceAll(/[^a-z0-9.-]+/g, "-")}.json`);
  await writeFile(`${file}.part`, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(`${file}.part`, file);
  return { name, id: manifest.id, file };
}

function refuseUnreachable(slug: string): void {
  const problem = slugSchema.safeParse(slug).error?.issues[0]?.message;
  if (problem !== undefined) throw refusal(`${JSON.stringify(slug)} cannot be half of a model's name: ${problem}.`, "Give another --owner or --name.");
}

async function refuseConflicts(home: ModelHome, manifest: Manifest): Promise<void> {
  const { entries, byAlias } = await readModelFiles(home.modelFolders);
  const key = modelKey(manifest);
  const other = entries.find((entry) => entry.manifest.id === manifest.id || modelKey(entry.manifest) === key)?.manifest ?? byAlias.get(key);
  if (!other) return;
  const what = other.id === manifest.id ? `the id ${other.id}` : `the name ${key}`;
  throw refusal(`${cleanModelName(other)} has ${what} already.`, "Give it another id or name, or remove the other model first.");
}

async function bring(from: string, to: string, { isLinked }: { isLinked: boolean }): Promise<void> {
  if (from === to) return;
  if (await isSameFile(from, to)) return;
  if (await exists(to)) throw refusal(`${to} is there already.`, "Remove it or rename the file that you add.");
  await mkdir(dirname(to), { recursive: true });
  // Copy-on-write where the file system can: weights are large.
  await (isLinked ? symlink(from, to) : cp(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE }));
}

/** Two models may show the same sample. Larger files are no samples, and are not read. */
async function isSameFile(one: string, other: string): Promise<boolean> {
  if (!(await isFile(one)) || !(await isFile(other))) return false;
  const [size, otherSize] = [(await stat(one)).size, (await stat(other)).size];
  if (size !== otherSize || size > limits.outboundDownloadBytes) return false;
  return (await readFile(one)).equals(await readFile(other));
}

function weightsOf(manifest: Manifest): string[] {
  return [...new Set(manifest.variants.flatMap(weightsOfVariant))];
}

function weightsOfVariant({ base, adapters }: Manifest["variants"][number]): string[] {
  return [base, ...adapters.map((adapter) => adapter.file)].filter(isBelow);
}

/** A file or folder inside a models folder: neither none ("" of a model without a base), nor that folder itself, which must not
 *  be copied or removed with a model, nor anything outside. */
function isBelow(path: string): boolean {
  const plain = normalize(path);
  return path !== "" && plain !== "." && plain !== "./" && !isAbsolute(plain) && !/^\.\.(?:\/|$)/.test(plain);
}

async function existing(folder: string, files: readonly string[]): Promise<string[]> {
  const found = await Promise.all(files.map(async (file) => ((await exists(join(folder, file))) ? [file] : [])));
  return found.flat();
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}

/** A base is a folder: its files one by one, relative to `folder`. */
async function filesUnder(folder: string, paths: readonly string[]): Promise<string[]> {
  const files = paths.map(async (path) => {
    const names = await readdir(join(folder, path), { recursive: true }).catch(() => undefined);
    return names === undefined ? [path] : names.map((name) => `${path}/${name.split(sep).join("/")}`);
  });
  const found = await Promise.all((await Promise.all(files)).flat().map(async (file) => ((await isFile(join(folder, file))) ? [file] : [])));
  return found.flat();
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then((facts) => facts.isFile(), () => false);
}

function refusal(problem: string, remedy: string): OperatorError {
  return new OperatorError("COMMAND_FAILED", { problem, remedy });
}
