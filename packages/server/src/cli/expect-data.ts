// Keeps a command that looks at an installation, or changes it, from making an empty one where a folder's name is misspelt.

import { stat } from "node:fs/promises";

import type { Config } from "../config.ts";
import { findLockHolder } from "../data-folder/lock.ts";
import { clusterMark } from "../db/embedded/cluster.ts";
import { OperatorError } from "../operator-error.ts";

/** Throws COMMAND_FAILED when nothing was ever stored in the data folder. With DATABASE_URL the data is elsewhere, and the
 *  folder may be new; a server that makes its database just now holds the folder. */
export async function expectData({ dataDir, databaseUrl }: Pick<Config, "dataDir" | "databaseUrl">): Promise<void> {
  if (databaseUrl !== undefined || !(await isMissing(clusterMark(dataDir)))) return;
  if (await findLockHolder(dataDir)) return;
  throw new OperatorError("COMMAND_FAILED", {
    problem: `There is no Atelier data in ${dataDir}.`,
    remedy: "Name the folder of the server with --data or ATELIER_DATA, or start one there. For a PostgreSQL of your own set DATABASE_URL.",
  });
}

/** False also for what may not be looked at: opening it says why. */
function isMissing(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT" || error.code === "ENOTDIR",
  );
}
