// Which of a worker's models its engines have loaded: their tasks are given to it first, for a while.

import { modelNames } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";

import type { LoadedModel } from "../engines/engine-process.ts";
import { chooseVariant, findModelFile } from "./plan-run.ts";
import type { ModelFolders } from "./plan-run.ts";

export interface WarmModels {
  /** Clean names of the models whose base and adapters an engine has loaded. */
  readonly warm: string[];
  /** And of those whose base one has loaded, without adapters or with others. */
  readonly warmBases: string[];
}

/** `loaded`: what the engines that are free have loaded. */
export function warmModels(
  models: readonly Manifest[],
  { engines, folders, loaded }: { engines: readonly string[]; folders: ModelFolders; loaded: readonly LoadedModel[] },
): WarmModels {
  const warm: string[] = [];
  const warmBases: string[] = [];
  if (loaded.length === 0) return { warm, warmBases };
  for (const manifest of models) {
    const variant = chooseVariant(manifest, engines, folders);
    if (!variant || variant.operation !== undefined) continue;
    const pathsOf = (files: readonly string[]): string => JSON.stringify(files.map((file) => findModelFile(file, folders)));
    const base = pathsOf([variant.base]);
    const sameBase = loaded.filter(({ basePath }) => base === JSON.stringify([basePath]));
    if (sameBase.length === 0) continue;
    const adapters = pathsOf(variant.adapters.map(({ file }) => file));
    const isWarm = sameBase.some(({ adapterPaths }) => adapters === JSON.stringify(adapterPaths));
    (isWarm ? warm : warmBases).push(...modelNames(manifest));
  }
  return { warm, warmBases };
}
