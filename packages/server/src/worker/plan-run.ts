// Decides how a task is run: which variant of its model, with which files and which values.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { imageInputSchema } from "@atelier/schema/engine-messages";
import type { ImageInput } from "@atelier/schema/engine-messages";
import type { Manifest, Variant } from "@atelier/schema/manifest";

/** Where model files are looked for, first match first: the user's own folder before the one that is shipped. */
export interface ModelFolders {
  readonly modelFolders: readonly string[];
}

export interface RunPlan {
  readonly variant: Variant;
  readonly basePath: string;
  readonly adapters: { path: string; weight: number }[];
  readonly input: ImageInput;
  readonly metadata: Record<string, string>;
}

/** The first variant whose engine this worker has and whose files exist. Where no variant's files exist, the last variant
 *  that the engine could run, so that the missing file is named by the engine's own failure. */
export function chooseVariant(
  manifest: Manifest,
  engines: readonly string[],
  folders: ModelFolders,
): Variant | undefined {
  const runnable = manifest.variants.filter((variant) => engines.includes(variant.engine));
  return runnable.find((variant) => filesOf(variant).every((file) => findFile(file, folders))) ?? runnable.at(-1);
}

export function planRun(
  manifest: Manifest,
  variant: Variant,
  options: { input: Record<string, unknown>; folders: ModelFolders },
): RunPlan {
  const pathOf = (file: string): string =>
    findFile(file, options.folders) ?? join(options.folders.modelFolders.at(-1) ?? ".", file);
  return {
    variant,
    basePath: pathOf(variant.base),
    adapters: variant.adapters.map((adapter) => ({ path: pathOf(adapter.file), weight: adapter.weight })),
    input: imageInputOf(options.input),
    metadata: { model: `${manifest.owner}/${manifest.slug}`, variant: variant.name },
  };
}

/** Values under the manifest's parameter names, as the engine message wants them. */
function imageInputOf(input: Record<string, unknown>): ImageInput {
  return imageInputSchema.parse({
    prompt: input["prompt"],
    steps: input["steps"],
    guidanceScale: input["scale"],
    seed: input["seed"],
    widthPixels: input["width"],
    heightPixels: input["height"],
    samples: input["samples"],
  });
}

function filesOf(variant: Variant): string[] {
  return [variant.base, ...variant.adapters.map((adapter) => adapter.file)];
}

function findFile(file: string, folders: ModelFolders): string | undefined {
  return folders.modelFolders.map((folder) => join(folder, file)).find((path) => existsSync(path));
}
