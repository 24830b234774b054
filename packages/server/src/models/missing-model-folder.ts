// Finds out that the folder of the shipped models, or the one that stands in for it, is not there.

import { stat } from "node:fs/promises";

/** `modelFolders`: a user's own, which need not exist, before the one that must. Undefined when that is a folder. */
export async function missingModelFolder({ modelFolders }: { readonly modelFolders: readonly string[] }): Promise<string | undefined> {
  const folder = modelFolders.at(-1);
  if (folder === undefined) return undefined;
  const info = await stat(folder).catch(() => undefined);
  return info?.isDirectory() === true ? undefined : folder;
}
