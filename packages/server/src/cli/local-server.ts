// Finds the server and the credentials that a command uses: those given, or those of the data folder on this machine.

import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import type { ClientEnvironment, Config } from "../config.ts";
import { findServer } from "../data-folder/server-record.ts";
import type { Queryable } from "../db/queryable.ts";
import type { Log } from "../log.ts";
import { OperatorError } from "../operator-error.ts";
import { findProjectByKey } from "../projects/find-project.ts";
import { findOrCreateProject } from "../projects/create-project.ts";
import type { CreatedProject } from "../projects/create-project.ts";
import type { Credentials } from "./api-client.ts";
import { withDatabase } from "./with-database.ts";

/** The base URL, without a slash at the end. Throws COMMAND_FAILED when none was given and none runs on the folder. */
export async function findBaseUrl(config: Config, given: string | undefined): Promise<string> {
  if (given !== undefined) {
    if (URL.canParse(given)) return given.replace(/\/+$/, "");
    throw new OperatorError("COMMAND_FAILED", { problem: `"${given}" is no web address.`, remedy: "Give --url http://host:port." });
  }
  const server = await findServer(config.dataDir);
  if (server) return server.url;
  throw new OperatorError("COMMAND_FAILED", {
    problem: `No server runs on the data folder ${config.dataDir}.`,
    remedy: "Start one with `npm start`, or name one with --url, ATELIER_URL or --data.",
  });
}

/** Credentials of the environment; for the server of the local folder, a project of its own made on demand.
 *  Throws COMMAND_FAILED for another server without credentials. */
export async function findCredentials(
  deps: { config: Config; log: Log },
  environment: ClientEnvironment,
  isLocal: boolean,
): Promise<Credentials> {
  if (environment.apiKey !== undefined) {
    return { apiKey: environment.apiKey, apiSecret: environment.apiSecret ?? null };
  }
  if (isLocal) return localCredentials(deps);
  throw new OperatorError("COMMAND_FAILED", {
    problem: "This server was named by its address, and no credentials were given for it.",
    remedy: "Set ATELIER_API_KEY and ATELIER_API_SECRET (`npx atelier project create` makes them on its machine).",
  });
}

const credentialsSchema = z.object({ apikey: z.string(), apisecret: z.string().nullable() });

/** Those of the project `local` (or `local-2` where a restored database has one whose credentials are gone), kept in the data folder
 *  for this user only; renewed when the database lost them. */
async function localCredentials(deps: { config: Config; log: Log }): Promise<Credentials> {
  const path = join(deps.config.dataDir, "credentials.json");
  return withDatabase(deps, async ({ db, masterKey }) => {
    const find = async (queryable: Queryable): Promise<Credentials | undefined> => {
      const kept = await readCredentials(path);
      const found = kept && (await findProjectByKey({ db: queryable, masterKey }, kept.apiKey));
      // A key that was rotated by hand is as good as lost.
      return found && (kept.apiSecret === null || found.secrets.includes(kept.apiSecret)) ? kept : undefined;
    };
    const keep = (project: CreatedProject): Promise<Credentials> => keepCredentials(path, project);
    return (await find(db)) ?? findOrCreateProject({ db, masterKey }, { name: "local", auth: "signature" }, { find, keep });
  });
}

async function keepCredentials(path: string, project: CreatedProject): Promise<Credentials> {
  const file = await open(`${path}.partial`, "w", 0o600);
  try {
    // An older file's mode would stay.
    await file.chmod(0o600);
    await file.writeFile(`${JSON.stringify(project, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.partial`, path);
  return { apiKey: project.apikey, apiSecret: project.apisecret };
}

async function readCredentials(path: string): Promise<Credentials | undefined> {
  const content = await readFile(path, "utf8").catch(() => undefined);
  if (content === undefined) return undefined;
  try {
    const parsed = credentialsSchema.parse(JSON.parse(content));
    return { apiKey: parsed.apikey, apiSecret: parsed.apisecret };
  } catch {
    // Damaged: it is replaced.
    return undefined;
  }
}
