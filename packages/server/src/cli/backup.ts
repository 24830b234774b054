// atelier backup | restore: everything into one folder while the server runs, and out of it into an empty place.

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import type { Command } from "commander";

import type { Config } from "../config.ts";
import { openDataFolder } from "../data-folder/data-folder.ts";
import { emptyFolder, makeFolder } from "../data-folder/make-folder.ts";
import { isEmptyDatabase } from "../db/dump.ts";
import { startDatabase } from "../db/start-database.ts";
import { openFiles } from "../files/open-files.ts";
import type { Log } from "../log.ts";
import { makeBackup } from "../maintenance/backup/make-backup.ts";
import type { BackupProgress } from "../maintenance/backup/make-backup.ts";
import { keyCheck, masterKeyName, readManifest } from "../maintenance/backup/manifest.ts";
import type { BackupManifest } from "../maintenance/backup/manifest.ts";
import { restoreBackup, schemaOf } from "../maintenance/backup/restore-backup.ts";
import { OperatorError } from "../operator-error.ts";
import { openProgressLine } from "./progress-line.ts";
import type { CommandParts } from "./webhook.ts";
import { withDatabase } from "./with-database.ts";
import type { LentDatabase } from "./with-database.ts";

interface CommandDeps {
  readonly config: Config;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export function addBackup(program: Command, { dataOption, depsOf }: CommandParts): void {
  program
    .command("backup <folder>")
    .description("copy the whole database, as it is at one moment, and all files to a new folder; the server may run")
    .option("--without-master-key", "leave out the key that opens the secrets in it; restoring then needs ATELIER_MASTER_KEY")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (folder: string, options: { withoutMasterKey?: true; json?: true; data?: string }) => {
      const manifest = await backup(depsOf(options), resolve(folder), { withMasterKey: options.withoutMasterKey !== true });
      process.stdout.write(`${options.json ? JSON.stringify(summaryOf(manifest)) : describeBackup(resolve(folder), manifest)}\n`);
    });
  program
    .command("restore <folder>")
    .description("fill an empty data folder, or an empty database, from a backup")
    .option("--json", "print one line of JSON")
    .addOption(dataOption())
    .action(async (folder: string, options: { json?: true; data?: string }) => {
      const deps = depsOf(options);
      const manifest = await restore(deps, resolve(folder));
      const done = `restored ${summaryOf(manifest).files} files and the database of ${manifest.createdAt} to ${deps.config.dataDir}`;
      process.stdout.write(`${options.json ? JSON.stringify(summaryOf(manifest)) : done}\n`);
    });
}

async function backup(deps: CommandDeps, folder: string, options: { withMasterKey: boolean }): Promise<BackupManifest> {
  const { config, signal } = deps;
  const work = async ({ address, masterKey }: LentDatabase): Promise<BackupManifest> => {
    const files = await openFiles({ folder: join(config.dataDir, "files"), s3: config.s3 });
    // A key that was given is kept by whoever gave it, and is written nowhere.
    const withMasterKey = options.withMasterKey && config.masterKey === undefined;
    const progress = openProgress();
    return makeBackup({ address, files, masterKey, onProgress: progress.show, signal }, folder, { withMasterKey }).finally(progress.end);
  };
  return withDatabase(deps, work, { heedsSignal: true });
}

async function restore(deps: CommandDeps, folder: string): Promise<BackupManifest> {
  const { config, signal } = deps;
  const manifest = await readManifest(folder);
  const migrations = await schemaOf(folder, manifest);
  const masterKey = await findMasterKey(config, folder, manifest);
  await expectEmptyFolder(config.dataDir);
  if (config.databaseUrl !== undefined) await expectEmptyDatabase(config.databaseUrl);
  const made = await makeFolder(config.dataDir, { mode: 0o700 });
  try {
    if (config.masterKey === undefined) {
      await writeFile(join(config.dataDir, masterKeyName), `${masterKey.toString("hex")}\n`, { mode: 0o600, flag: "wx" });
    }
    await restoreInto(deps, folder, { manifest, migrations });
    return manifest;
  } catch (error) {
    // Half a restore must not look like a whole one.
    await emptyFolder(config.dataDir, made);
    signal.throwIfAborted();
    throw error;
  }
}

interface Restored {
  readonly manifest: BackupManifest;
  readonly migrations: Awaited<ReturnType<typeof schemaOf>>;
}

async function restoreInto({ config, log, signal }: CommandDeps, from: string, { manifest, migrations }: Restored): Promise<void> {
  const { databaseUrl, postgresRunAs: runAs } = config;
  const folder = await openDataFolder(config.dataDir, config.masterKey);
  try {
    const database = await startDatabase({ log }, { databaseUrl, folder: folder.path, runAs, migrations, signal });
    try {
      const files = await openFiles({ folder: folder.filesDir, s3: config.s3 });
      const progress = openProgress();
      const deps = { address: database.address, files, onProgress: progress.show, signal };
      await restoreBackup(deps, from, manifest).finally(progress.end);
    } finally {
      await database.stop();
    }
    // Up to date, so that a schema that does not fit shows now. All rows are there: a signal comes too late.
    await (await startDatabase({ log }, { databaseUrl, folder: folder.path, runAs })).stop();
  } finally {
    await folder.close();
  }
}

/** The key that was given, or the one in the backup; checked against what the backup knows of it. */
async function findMasterKey(config: Config, folder: string, manifest: BackupManifest): Promise<Buffer> {
  const content = await readFile(join(folder, masterKeyName), "utf8").catch(() => undefined);
  const key = config.masterKey ?? (content === undefined ? undefined : Buffer.from(content.trim(), "hex"));
  if (key !== undefined && keyCheck(key) === manifest.masterKeyCheck) return key;
  const problem = key === undefined ? "This backup holds no master key, and none was given." : "The master key is not the one of this backup.";
  const remedy = "Set ATELIER_MASTER_KEY to the key of the server that was backed up: without it its stored secrets cannot be read.";
  throw new OperatorError("MASTER_KEY_INVALID", { problem, remedy });
}

async function expectEmptyFolder(dataDir: string): Promise<void> {
  const names = await readdir(dataDir).catch(() => []);
  if (names.length === 0) return;
  throw new OperatorError("RESTORE_REFUSED", {
    problem: `The data folder ${dataDir} is not empty.`,
    remedy: "Name a folder that does not exist yet with --data; the old one stays as it is, to be removed when all is well.",
  });
}

async function expectEmptyDatabase(connectionString: string): Promise<void> {
  if (await isEmptyDatabase({ connectionString })) return;
  throw new OperatorError("RESTORE_REFUSED", {
    problem: "The database of DATABASE_URL holds projects or tasks already.",
    remedy: "Make an empty one with `createdb`, and name it in DATABASE_URL.",
  });
}

function openProgress(): { show(state: BackupProgress): void; end(): void } {
  const line = openProgressLine(process.stderr);
  return { show: ({ what, done, total }) => line.show({ label: what, done, total, note: total === undefined ? String(done) : undefined }), end: () => line.end() };
}

/** What `--json` prints. */
function summaryOf(manifest: BackupManifest) {
  return {
    createdAt: manifest.createdAt,
    tables: manifest.tables.length,
    tableBytes: manifest.tables.reduce((sum, table) => sum + table.sizeBytes, 0),
    files: manifest.files.count,
    fileBytes: manifest.files.totalBytes,
    filesGone: manifest.filesGone.length,
    hasMasterKey: manifest.hasMasterKey,
  };
}

/** For people. */
export function describeBackup(folder: string, manifest: BackupManifest): string {
  const { tables, tableBytes, files, fileBytes, filesGone } = summaryOf(manifest);
  const key = manifest.hasMasterKey
    ? "It holds the master key: guard it like the data folder."
    : "It holds no master key: keep the server's ATELIER_MASTER_KEY, without which its secrets cannot be read.";
  const parts = [`${folder}: ${tables} tables (${tableBytes} bytes), ${files} files (${fileBytes} bytes)`, ...describeGone(files, filesGone)];
  return [...parts, key].join("\n");
}

/** Where not one is there, the database is one server's and the store another's. */
function describeGone(files: number, filesGone: number): string[] {
  if (filesGone === 0) return [];
  if (files > 0) return [`${filesGone} files were deleted while it was made.`];
  return [`WARNING: not one of the ${filesGone} files that the database names was found. Is this the server's own data folder, or its bucket?`];
}
