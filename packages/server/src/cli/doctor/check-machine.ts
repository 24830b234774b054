// The doctor's checks of the machine: runtime, disk, port, data folder.

import { mkdir, readFile, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { Config } from "../../config.ts";
import { dataFolderVersion } from "../../data-folder/data-folder.ts";
import { findServer } from "../../data-folder/server-record.ts";
import { portProblem } from "../../http/port-problem.ts";
import { limits } from "../../limits.ts";
import { failed, ok, warning } from "./check.ts";
import type { Finding } from "./check.ts";

export function checkNode(version: string = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return ok("node", `version ${version}`);
  return failed("node", `version ${version} is too old`, "Install Node 20.19 or newer from https://nodejs.org.");
}

/** Space where the data folder is, or will be. */
export async function checkDisk(config: Config): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearestFolder(config.dataDir));
  const freeMib = Math.floor((bavail * bsize) / 2 ** 20);
  const detail = `${freeMib} MiB free for ${config.dataDir}`;
  const remedy = "Free some space, or give a data folder on another disk with --data.";
  if (freeMib < limits.diskFailMib) return failed("disk", detail, remedy);
  return freeMib < limits.diskWarnMib ? warning("disk", detail, remedy) : ok("disk", detail);
}

export async function checkDataFolder(config: Config): Promise<Finding> {
  const path = config.dataDir;
  const version = await readFile(join(path, "version"), "utf8").catch(() => undefined);
  if (version !== undefined && !(Number(version) <= dataFolderVersion)) {
    const remedy = "Update Atelier, or give another folder with --data.";
    return failed("data folder", `${path} was written by a newer version of Atelier`, remedy);
  }
  const server = await findServer(path);
  if (server) return ok("data folder", `${path}, in use by the server at ${server.url}`);
  return tryWriting(path);
}

/** Leaves no trace: a folder that does not exist yet is not made. */
async function tryWriting(path: string): Promise<Finding> {
  const folder = await nearestFolder(path);
  const probe = join(folder, `.atelier-doctor-${process.pid}`);
  try {
    await mkdir(probe);
    await writeFile(join(probe, "file"), "");
    return ok("data folder", folder === path ? `${path} can be written` : `${path} can be made`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return failed("data folder", `${path} cannot be written: ${reason}`, "Give another folder with --data.");
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}

export async function checkPort(config: Config): Promise<Finding> {
  const server = await findServer(config.dataDir);
  if (server && new URL(server.url).port === String(config.port)) {
    return ok("port", `${config.port} is used by the server of this data folder`);
  }
  const problem = await portProblem(config);
  if (problem === undefined) return ok("port", `${config.port} on ${config.host} is free`);
  const remedy = "Give the server another with --port or ATELIER_PORT.";
  return failed("port", `${config.port} on ${config.host} ${problem}`, remedy);
}

async function nearestFolder(path: string): Promise<string> {
  let folder = path;
  while (!(await isFolder(folder)) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}
