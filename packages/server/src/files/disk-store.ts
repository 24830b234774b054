// Keeps files on the local disk, written so that a crash leaves either the whole file or none.

import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { copyFile, mkdir, open, opendir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { limits } from "../limits.ts";
import { assertFileKey, isFileKey } from "./file-store.ts";
import type { FileStore, StoredFile } from "./file-store.ts";

/** A file store in `folder`. Keys are spread over subfolders by their first two characters. */
export function openDiskStore(folder: string): FileStore {
  const pathOf = (key: string): string => {
    assertFileKey(key);
    return join(folder, key.slice(0, 2), key);
  };
  return {
    async put(key, source) {
      const path = pathOf(key);
      await mkdir(dirname(path), { recursive: true });
      const partial = `${path}.${randomBytes(6).toString("hex")}.partial`;
      try {
        await write(source, partial);
        await syncPath(partial);
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true });
        await rmdir(dirname(path)).catch(() => undefined);
        throw error;
      }
      // The entries above a new file may be new as well: each is synced, up to the store's own folder.
      for (const parent of [dirname(path), dirname(dirname(path)), folder]) await syncPath(parent);
      return { sizeBytes: (await stat(path)).size };
    },
    async open(key, range) {
      // Opened before it is looked at: whoever removes it now takes nothing from this reader.
      const file = await open(pathOf(key)).catch(ignoreMissing);
      if (!file) return undefined;
      const info = await file.stat();
      if (info.isFile()) return { stream: file.createReadStream(range), sizeBytes: info.size };
      await file.close();
      return undefined;
    },
    async remove(key) {
      const path = pathOf(key);
      await rm(path, { force: true });
      // The folder of an output goes with its last file; a folder that still holds one stays.
      await rmdir(dirname(path)).catch(() => undefined);
    },
    async *list() {
      let page: StoredFile[] = [];
      for await (const path of filesUnder(folder)) {
        const file = await describe(folder, path);
        if (file) page.push(file);
        if (page.length < limits.fileListPage) continue;
        yield page;
        page = [];
      }
      if (page.length > 0) yield page;
    },
    async removeUnfinished(before) {
      let removed = 0;
      for await (const path of filesUnder(folder)) {
        if (!partialName.test(path)) continue;
        const info = await stat(path).catch(ignoreMissing);
        if (!info || info.mtime >= before) continue;
        await rm(path, { force: true });
        removed += 1;
      }
      return removed;
    },
  };
}

const partialName = /\.[0-9a-f]{12}\.partial$/;

async function write(source: string | Readable, path: string): Promise<void> {
  if (typeof source === "string") await copyFile(source, path);
  else await pipeline(source, createWriteStream(path, { flags: "wx" }));
}

/** Undefined for what is no stored file: an unfinished one, or one that went this moment. */
async function describe(folder: string, path: string): Promise<StoredFile | undefined> {
  if (partialName.test(path)) return undefined;
  // Below the subfolder of the spread.
  const key = relative(folder, path).split("/").slice(1).join("/");
  if (!isFileKey(key)) return undefined;
  const info = await stat(path).catch(ignoreMissing);
  return info && { key, sizeBytes: info.size, storedAt: info.mtime };
}

async function* filesUnder(folder: string): AsyncIterable<string> {
  const entries = await opendir(folder, { recursive: true }).catch(ignoreMissing);
  if (!entries) return;
  for await (const entry of entries) {
    if (entry.isFile()) yield join(entry.parentPath, entry.name);
  }
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
