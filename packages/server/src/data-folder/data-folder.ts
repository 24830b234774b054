// Opens the data folder: made when missing, its version checked, locked, its subfolders ready.

import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { OperatorError } from "../operator-error.ts";
import { lockFolder } from "./lock.ts";
import { makeFolder } from "./make-folder.ts";
import { readMasterKey } from "./master-key.ts";
import { removeServerRecord } from "./server-record.ts";

/** Layout of the folder that this version writes; raised when an older version could no longer read it. */
export const dataFolderVersion = 1;

export interface DataFolder {
  readonly path: string;
  /** Bytes of outputs and uploads. */
  readonly filesDir: string;
  /** Emptied at each start. */
  readonly tmpDir: string;
  /** A user's own manifests and weights. */
  readonly modelsDir: string;
  readonly masterKey: Buffer;
  /** Releases the lock. */
  close(): Promise<void>;
}

/** Opens `path` for this process alone.
 *  Throws DATA_FOLDER_UNUSABLE, DATA_FOLDER_NEWER, DATA_FOLDER_LOCKED or MASTER_KEY_INVALID. */
export async function openDataFolder(path: string, givenMasterKey: Buffer | undefined): Promise<DataFolder> {
  await makeUsable(path);
  await checkVersion(path);
  const lock = await lockFolder(path);
  try {
    const masterKey = await readMasterKey(path, givenMasterKey);
    const folder = { path, filesDir: join(path, "files"), tmpDir: join(path, "tmp"), modelsDir: join(path, "models") };
    // A killed server's.
    await removeServerRecord(path);
    await rm(folder.tmpDir, { recursive: true, force: true });
    for (const name of [folder.filesDir, folder.tmpDir, folder.modelsDir]) await mkdir(name, { recursive: true });
    return { ...folder, masterKey, close: () => lock.release() };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function makeUsable(path: string): Promise<void> {
  try {
    await makeFolder(path, { mode: 0o700 });
    if (!(await stat(path)).isDirectory()) throw new Error("it is not a folder");
    await writeFile(join(path, ".writable"), "");
    await rm(join(path, ".writable"), { force: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OperatorError(
      "DATA_FOLDER_UNUSABLE",
      { problem: `The data folder ${path} cannot be used: ${reason}.`, remedy: "Give a folder you may write with --data." },
      { cause },
    );
  }
}

async function checkVersion(path: string): Promise<void> {
  const file = join(path, "version");
  const content = await readFile(file, "utf8").catch(() => undefined);
  if (content === undefined) return writeFile(file, `${dataFolderVersion}\n`);
  const version = Number(content);
  if (version <= dataFolderVersion) return;
  throw new OperatorError("DATA_FOLDER_NEWER", {
    problem: `The data folder ${path} has version ${content.trim()}; this version of Atelier knows ${dataFolderVersion}.`,
    remedy: "Update Atelier, or give another folder with --data.",
  });
}
