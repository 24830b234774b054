// Makes a folder, with those above it that are missing.

import { mkdir, readdir, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** As `mkdir` with `recursive`, but one by one: Node's own turns round for ever where a folder is there and takes none (below
 *  /proc mkdir says ENOENT; seen with Node 20.20). Returns those that it made, the outermost first. Throws the system's error; then
 *  none of them stays. */
export async function makeFolder(path: string, options: { mode?: number } = {}): Promise<string[]> {
  if (await isFolder(path)) return [];
  const parent = dirname(path);
  const made = parent === path ? [] : await makeFolder(parent, options);
  try {
    await mkdir(path, options);
    return [...made, path];
  } catch (error) {
    // Somebody else made it meanwhile.
    if (await isFolder(path)) return made;
    await removeUnused(made);
    throw error;
  }
}

/** Undoes what was done in a folder that was empty: removes all that is in it, and those of `made` that nobody else uses. */
export async function emptyFolder(path: string, made: readonly string[]): Promise<void> {
  for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true });
  await removeUnused(made);
}

/** Removes folders that were made, the outermost first in the list, from the innermost on while nothing is in them. */
export async function removeUnused(made: readonly string[]): Promise<void> {
  for (const folder of made.toReversed()) {
    // Somebody else's file in a folder between keeps it and those above; what failed before is what must be told.
    if (!(await rmdir(folder).then(() => true, () => false))) return;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}
