// Fills an empty database and a file store from a backup, checking every byte on the way.

import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { addAbortSignal, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { DatabaseAddress } from "../../db/database.ts";
import { openLoad } from "../../db/dump.ts";
import { readMigrations } from "../../db/migrate.ts";
import type { Migration } from "../../db/migrate.ts";
import { openDiskStore } from "../../files/disk-store.ts";
import type { FileStore } from "../../files/file-store.ts";
import type { BackupProgress } from "./make-backup.ts";
import { fileListName, invalid, listedFile, Meter, tablePath } from "./manifest.ts";
import type { BackupManifest } from "./manifest.ts";

export interface RestoreDeps {
  /** A database with the schema of `schemaOf(manifest)` and no rows of its own. */
  readonly address: DatabaseAddress;
  readonly files: FileStore;
  readonly onProgress: (state: BackupProgress) => void;
  /** Aborting it ends the restore; then no row was kept. */
  readonly signal?: AbortSignal;
}

/** The migrations that the backup's database had: its rows fit these and are brought up to date afterwards.
 *  Throws BACKUP_INVALID when this version does not know one of them. */
export async function schemaOf(folder: string, manifest: BackupManifest): Promise<Migration[]> {
  const known = new Map((await readMigrations()).map((migration) => [migration.version, migration]));
  return manifest.migrations.map(({ version, sha256 }) => {
    const migration = known.get(version);
    if (migration?.sha256 === sha256) return migration;
    throw invalid(folder, `its schema has version ${version}, which this version of Atelier does not know`);
  });
}

/** Files first, then all rows in one transaction: what rows name is there when they appear. Throws BACKUP_INVALID for the
 *  first byte that is not as the manifest says; then no row was kept. */
export async function restoreBackup(deps: RestoreDeps, folder: string, manifest: BackupManifest): Promise<void> {
  await checkTables(deps, folder, manifest);
  await restoreFiles(deps, folder, manifest);
  const load = await openLoad(deps.address);
  try {
    let done = 0;
    for (const table of manifest.tables) {
      const meter = new Meter();
      const source = createReadStream(tablePath(folder, table.name));
      await pipeline(source, (chunks) => meter.measure(chunks), load.rowsInto(table), { signal: deps.signal });
      expectSame(folder, `the table ${table.name}`, meter.result(), table);
      done += 1;
      deps.onProgress({ what: "tables", done, total: manifest.tables.length });
    }
    for (const sequence of manifest.sequences) await load.setSequence(sequence);
    deps.signal?.throwIfAborted();
    await load.commit();
  } finally {
    await load.close();
  }
}

/** Before anything is read as what it should be: the damage is named, not what a parser makes of it. */
async function checkTables({ signal }: RestoreDeps, folder: string, manifest: BackupManifest): Promise<void> {
  for (const table of manifest.tables) {
    expectSame(folder, `the table ${table.name}`, await measureFile(tablePath(folder, table.name), signal), table);
  }
  expectSame(folder, "the list of files", await measureFile(join(folder, fileListName), signal), manifest.files.list);
}

async function measureFile(path: string, signal: AbortSignal | undefined): Promise<Measured> {
  const meter = new Meter();
  try {
    for await (const _chunk of meter.measure(createReadStream(path, { signal }))) continue;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return meter.result();
}

async function restoreFiles({ files, onProgress, signal }: RestoreDeps, folder: string, manifest: BackupManifest): Promise<void> {
  const copies = openDiskStore(join(folder, "files"));
  const list = createReadStream(join(folder, fileListName));
  let done = 0;
  for await (const line of createInterface({ input: list, crlfDelay: Number.POSITIVE_INFINITY })) {
    const file = listedFile.parse(JSON.parse(line));
    signal?.throwIfAborted();
    const opened = await copies.open(file.key);
    if (!opened) throw invalid(folder, `the file ${file.key} is missing`);
    const meter = new Meter();
    if (signal) addAbortSignal(signal, opened.stream);
    await files.put(file.key, Readable.from(meter.measure(opened.stream)));
    expectSame(folder, `the file ${file.key}`, meter.result(), file);
    done += 1;
    onProgress({ what: "files", done, total: manifest.files.count });
  }
}

interface Measured {
  readonly sizeBytes: number;
  readonly sha256: string;
}

function expectSame(folder: string, what: string, found: Measured, wanted: Measured): void {
  if (found.sha256 === wanted.sha256 && found.sizeBytes === wanted.sizeBytes) return;
  throw invalid(folder, `${what} is not as the manifest says: ${found.sizeBytes} bytes of ${wanted.sizeBytes}, or other ones`);
}
