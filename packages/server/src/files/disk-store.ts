// Keeps files on the local disk, written so that a crash leaves either the whole file or none.

import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, open, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import { assertFileKey } from "./file-store.ts";
import type { FileStore } from "./file-store.ts";

/** A file store in `folder`. Keys are spread over 256 subfolders by their first two characters. */
export function openDiskStore(folder: string): FileStore {
  const pathOf = (key: string): string => {
    assertFileKey(key);
    return join(folder, key.slice(0, 2), key);
  };
  return {
    async put(key, sourcePath) {
      const path = pathOf(key);
      await mkdir(dirname(path), { recursive: true });
      const partial = `${path}.${randomBytes(6).toString("hex")}.partial`;
      try {
        await copyFile(sourcePath, partial);
        await syncPath(partial);
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
      // The entries above a new file may be new as well: each is synced, up to the store's own folder.
      for (const parent of [dirname(path), dirname(dirname(path)), folder]) await syncPath(parent);
      return { sizeBytes: (await stat(path)).size };
    },
    async open(key, range) {
      const path = pathOf(key);
      const info = await stat(path).catch(ignoreMissing);
      if (!info?.isFile()) return undefined;
      return { stream: createReadStream(path, range), sizeBytes: info.size };
    },
    async remove(key) {
      const path = pathOf(key);
      await rm(path, { force: true });
      // The folder of an output goes with its last file; a folder that still holds one stays.
      await rmdir(dirname(path)).catch(() => undefined);
    },
  };
}

/** Puts a file, or a folder's entries, on the disk itself (fsync), not only in the page cache. */
async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
