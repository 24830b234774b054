// Makes a backup of a database that is in use: every table of one moment, then the files that its rows name.

import { createWriteStream } from "node:fs";
import { mkdir, open, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { addAbortSignal, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { emptyFolder, makeFolder, removeUnused } from "../../data-folder/make-folder.ts";
import type { DatabaseAddress } from "../../db/database.ts";
import { openDump } from "../../db/dump.ts";
import type { Dump } from "../../db/dump.ts";
import { openDiskStore } from "../../files/disk-store.ts";
import type { FileStore } from "../../files/file-store.ts";
import { limits } from "../../limits.ts";
import { OperatorError } from "../../operator-error.ts";
import { sentence } from "../../sentence.ts";
import { backupFormat, fileListName, keyCheck, manifestName, masterKeyName, Meter, tablePath } from "./manifest.ts";
import type { BackupManifest } from "./manifest.ts";

export interface BackupDeps {
  readonly address: DatabaseAddress;
  readonly files: FileStore;
  readonly masterKey: Buffer;
  readonly onProgress: (state: BackupProgress) => void;
  /** Aborting it ends the backup and removes what there is of it. */
  readonly signal?: AbortSignal;
}

export interface BackupProgress {
  readonly what: "tables" | "files";
  readonly done: number;
  readonly total?: number | undefined;
}

/** Writes a backup to `folder`, which must be empty or not exist. `withMasterKey`: puts the key in it, too. Throws BACKUP_REFUSED
 *  when the folder cannot be made or holds anything, the signal's reason when it was aborted, and BACKUP_FAILED for everything else;
 *  then nothing of it stays. */
export async function makeBackup(deps: BackupDeps, folder: string, options: { withMasterKey: boolean }): Promise<BackupManifest> {
  const made = await makeEmptyFolder(folder);
  try {
    return await writeBackup(deps, folder, options);
  } catch (error) {
    const left = await emptyFolder(folder, made).catch((cause: unknown) => `What there is of it could not be removed: ${reasonOf(cause)}.`);
    if (left === undefined) deps.signal?.throwIfAborted();
    const remedy = left ?? "What there was of it is removed. Mend the cause, and make the backup again.";
    throw new OperatorError("BACKUP_FAILED", { problem: sentence(`The backup in ${folder} failed: ${reasonOf(error)}`), remedy }, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The manifest is written last, so a folder without one is no backup. */
async function writeBackup(deps: BackupDeps, folder: string, { withMasterKey }: { withMasterKey: boolean }): Promise<BackupManifest> {
  const createdAt = new Date().toISOString();
  const data = await writeData(deps, folder);
  if (withMasterKey) await writeFile(join(folder, masterKeyName), `${deps.masterKey.toString("hex")}\n`, { mode: 0o600 });
  deps.signal?.throwIfAborted();
  const key = { masterKeyCheck: keyCheck(deps.masterKey), hasMasterKey: withMasterKey };
  const manifest: BackupManifest = { format: backupFormat, createdAt, ...key, ...data };
  await writeSynced(join(folder, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
}

async function writeData(
  deps: BackupDeps,
  folder: string,
): Promise<Pick<BackupManifest, "postgresVersion" | "migrations" | "tables" | "sequences" | "files" | "filesGone">> {
  const dump = await openDump(deps.address, limits.backupPageRows);
  try {
    const tables = await writeTables(deps, dump, folder);
    const { files, filesGone } = await writeFiles(deps, dump, folder);
    const { postgresVersion, migrations, sequences } = dump;
    return { postgresVersion, migrations: [...migrations], tables, sequences: [...sequences], files, filesGone };
  } finally {
    await dump.close();
  }
}

/** Returns the folders that it made. Of several backups into one folder only that which makes `tables` goes on. */
async function makeEmptyFolder(folder: string): Promise<string[]> {
  let made: string[] = [];
  try {
    made = await makeFolder(folder, { mode: 0o700 });
    if ((await readdir(folder)).length > 0) throw new Error("it is not empty");
    await mkdir(join(folder, "tables"));
    return made;
  } catch (cause) {
    await removeUnused(made);
    const remedy = "Give a folder that is empty or does not exist yet; Atelier overwrites no backup.";
    throw new OperatorError("BACKUP_REFUSED", { problem: sentence(`No backup can be made in ${folder}: ${reasonOf(cause)}`), remedy }, { cause });
  }
}

async function writeTables({ onProgress, signal }: BackupDeps, dump: Dump, folder: string): Promise<BackupManifest["tables"]> {
  const tables: BackupManifest["tables"] = [];
  for (const table of dump.tables) {
    const meter = new Meter();
    const path = tablePath(folder, table.name);
    await pipeline(dump.rowsOf(table), (source) => meter.measure(source), createWriteStream(path, { mode: 0o600, flush: true }), { signal });
    tables.push({ name: table.name, columns: [...table.columns], ...meter.result() });
    onProgress({ what: "tables", done: tables.length, total: dump.tables.length });
  }
  return tables;
}

async function writeFiles(
  deps: BackupDeps,
  dump: Dump,
  folder: string,
): Promise<Pick<BackupManifest, "files" | "filesGone">> {
  const copies = openDiskStore(join(folder, "files"));
  const filesGone: string[] = [];
  let count = 0;
  let totalBytes = 0;
  const lines = async function* () {
    for await (const keys of dump.fileKeys()) {
      for (const key of keys) {
        deps.signal?.throwIfAborted();
        const opened = await deps.files.open(key);
        if (!opened) {
          filesGone.push(key);
          continue;
        }
        const meter = new Meter();
        if (deps.signal) addAbortSignal(deps.signal, opened.stream);
        await copies.put(key, Readable.from(meter.measure(opened.stream)));
        count += 1;
        totalBytes += meter.sizeBytes;
        deps.onProgress({ what: "files", done: count });
        yield Buffer.from(`${JSON.stringify({ key, ...meter.result() })}\n`);
      }
    }
  };
  const list = new Meter();
  await pipeline(Readable.from(list.measure(lines())), createWriteStream(join(folder, fileListName), { mode: 0o600, flush: true }));
  return { files: { count, totalBytes, list: list.result() }, filesGone };
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
