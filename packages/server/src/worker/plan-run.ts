// Decides how a task is run: which variant of its model, with which files and which values.

import { existsSync } from "node:fs";
import { join } from "node:path";

import type { EngineInputFile } from "@atelier/schema/engine-messages";
import type { Manifest, Variant } from "@atelier/schema/manifest";

import type { RunMessage } from "../engines/engine-process.ts";
import { imageInputOf } from "../models/image-input.ts";

/** Where model files are looked for, first match first: the user's own folder before the one that is shipped. */
export interface ModelFolders {
  readonly modelFolders: readonly string[];
}

export interface RunPlan {
  readonly variant: Variant;
  /** What the engine is asked to do, but for where and under which name. */
  readonly work: DistributiveOmit<RunMessage, "runId" | "outputFolder">;
  /** The values that redo the result. */
  readonly provenance: Readonly<Record<string, unknown>>;
}

type DistributiveOmit<Message, Key extends PropertyKey> = Message extends unknown ? Omit<Message, Key> : never;

/** The first variant whose engine this worker has and whose files exist. A worker offers the models that have one, and no
 *  others: another worker may have the files. */
export function chooseVariant(
  manifest: Manifest,
  engines: readonly string[],
  folders: ModelFolders,
): Variant | undefined {
  return manifest.variants.find((variant) => engines.includes(variant.engine) && missingFile(variant, folders) === undefined);
}

/** Why no variant can be run here, for people; undefined when one can. */
export function whyNotRunnable(manifest: Manifest, engines: readonly string[], folders: ModelFolders): string | undefined {
  if (chooseVariant(manifest, engines, folders)) return undefined;
  const last = manifest.variants.findLast((variant) => engines.includes(variant.engine));
  return last ? `${missingFile(last, folders)} is in none of the models folders` : "no engine of this installation runs it";
}

function missingFile(variant: Variant, folders: ModelFolders): string | undefined {
  return filesOf(variant).find((file) => !findModelFile(file, folders));
}

/** `files`: those that the input names, on this machine. */
export function planRun(
  manifest: Manifest,
  variant: Variant,
  options: { input: Record<string, unknown>; folders: ModelFolders; files?: readonly EngineInputFile[] },
): RunPlan {
  const metadata = { model: `${manifest.owner}/${manifest.slug}`, variant: variant.name };
  if (variant.operation !== undefined) {
    const { operation } = variant;
    const values = plainValues(options.input);
    const work: RunPlan["work"] = { type: "transform", operation, values, files: [...(options.files ?? [])], metadata };
    return { variant, work, provenance: { operation, ...values } };
  }
  const pathOf = (file: string): string =>
    findModelFile(file, options.folders) ?? join(options.folders.modelFolders.at(-1) ?? ".", file);
  const input = imageInputOf(options.input);
  const adapters = variant.adapters.map((adapter) => ({ path: pathOf(adapter.file), weight: adapter.weight }));
  return { variant, work: { type: "run", basePath: pathOf(variant.base), adapters, input, metadata }, provenance: input };
}

type PlainValue = string | number | boolean | string[];

/** The values that are no files. */
function plainValues(input: Record<string, unknown>): Record<string, PlainValue> {
  const isPlain = (entry: [string, unknown]): entry is [string, PlainValue] => {
    const list = Array.isArray(entry[1]) ? (entry[1] as unknown[]) : [entry[1]];
    return list.every((value) => ["string", "number", "boolean"].includes(typeof value));
  };
  return Object.fromEntries(Object.entries(input).filter(isPlain));
}

function filesOf(variant: Variant): string[] {
  return [variant.base, ...variant.adapters.map((adapter) => adapter.file)].filter((file) => file !== "");
}

/** Where a file of the models folder is, or undefined. */
export function findModelFile(file: string, folders: ModelFolders): string | undefined {
  return folders.modelFolders.map((folder) => join(folder, file)).find((path) => existsSync(path));
}
