// Creates PostgreSQL's data folder, once: in a folder beside it that is renamed when all is on disk.

import { spawn } from "node:child_process";
import { chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { OperatorError } from "../../operator-error.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { searchPath } from "./run-as.ts";
import type { RunAs } from "./run-as.ts";

/** The only role of an embedded database; the private socket is what guards it. */
export const databaseUser = "atelier";

export interface ClusterDeps {
  readonly binaries: PostgresBinaries;
  readonly runAs: RunAs;
}

/** Where the embedded PostgreSQL keeps its data. `folder`: the data folder. */
export function clusterDirOf(folder: string): string {
  return join(folder, "postgres");
}

/** A file that every cluster has, and that is there only once it is whole. */
export function clusterMark(folder: string): string {
  return join(clusterDirOf(folder), versionFile);
}

const versionFile = "PG_VERSION";

/** Makes sure that `clusterDir` holds a cluster that these programs can open. Leftovers of a broken attempt are removed.
 *  Throws POSTGRES_START_FAILED when initdb fails, or when the data is of another major version. */
export async function ensureCluster(deps: ClusterDeps, clusterDir: string): Promise<void> {
  await removeLeftovers(clusterDir);
  const version = await readFile(join(clusterDir, versionFile), "utf8").catch(() => undefined);
  if (version === undefined) return createCluster(deps, clusterDir);
  const major = await programVersion(deps);
  if (version.trim() !== major) {
    throw new OperatorError("POSTGRES_START_FAILED", {
      problem: `The data in ${clusterDir} is of PostgreSQL ${version.trim()}, the installed programs are version ${major}.`,
      remedy: "Install the Atelier version that made this data, or give another data folder with --data.",
    });
  }
}

async function createCluster({ binaries, runAs }: ClusterDeps, clusterDir: string): Promise<void> {
  const partial = `${clusterDir}${partialMark}${process.pid}`;
  const parent = dirname(clusterDir);
  await makeFolderFor(runAs, partial);
  const result = await run(binaries, runAs, [
    binaries.initdb,
    `--pgdata=${partial}`,
    `--username=${databaseUser}`,
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=trust",
    "--no-instructions",
  ]);
  if (result.code !== 0) {
    await rm(partial, { recursive: true, force: true });
    throw new OperatorError("POSTGRES_START_FAILED", {
      problem: `PostgreSQL could not create its data folder in ${parent}: ${result.output.trim()}`,
      remedy: "Check the free disk space and the rights of that folder, or give another with --data.",
    });
  }
  // Overwrites in place, so that the file keeps its owner. No TCP, so no host line.
  await writeFile(join(partial, "pg_hba.conf"), "local all all trust\n");
  await rename(partial, clusterDir);
  await syncFolder(parent);
}

const partialMark = ".creating-";

async function removeLeftovers(clusterDir: string): Promise<void> {
  const prefix = `${basename(clusterDir)}${partialMark}`;
  for (const name of await readdir(dirname(clusterDir))) {
    if (name.startsWith(prefix)) await rm(join(dirname(clusterDir), name), { recursive: true, force: true, maxRetries: 3 });
  }
}

async function makeFolderFor(runAs: RunAs, path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  if (runAs.owner) await chown(path, runAs.owner.uid, runAs.owner.gid);
}

async function programVersion({ binaries, runAs }: ClusterDeps): Promise<string> {
  const { output } = await run(binaries, runAs, [binaries.postgres, "--version"]);
  return /\(PostgreSQL\) (\d+)/.exec(output)?.[1] ?? "unknown";
}

/** In a session of its own: Ctrl-C must not break initdb half way. */
async function run(
  binaries: PostgresBinaries,
  runAs: RunAs,
  command: readonly string[],
): Promise<{ code: number | null; output: string }> {
  const [program = "", ...rest] = runAs.wrap(command);
  const child = spawn(program, rest, {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...binaries.environment, PATH: searchPath, LC_ALL: "C", TZ: "UTC" },
  });
  let output = "";
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString("utf8")).slice(-4_000);
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  await handle.sync().finally(() => handle.close());
}
