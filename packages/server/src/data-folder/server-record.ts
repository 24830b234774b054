// DATA/server.json: how commands on this machine find the server that runs on a data folder.

import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { findLockHolder } from "./lock.ts";

const recordSchema = z.object({
  pid: z.int(),
  /** Where it listens, for clients on this machine. */
  url: z.string(),
  /** Origin that other clients see. */
  publicUrl: z.string(),
  /** Socket folder of its embedded PostgreSQL; null with an external one. */
  socketDir: z.string().nullable(),
});

export type ServerRecord = z.infer<typeof recordSchema>;

export async function writeServerRecord(folder: string, record: ServerRecord): Promise<void> {
  const path = join(folder, recordName);
  await writeFile(`${path}.partial`, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.partial`, path);
}

export async function removeServerRecord(folder: string): Promise<void> {
  await rm(join(folder, recordName), { force: true });
}

/** The record of the server that holds the folder now, or undefined: a record that a killed server left does not count. */
export async function findServer(folder: string): Promise<ServerRecord | undefined> {
  const holder = await findLockHolder(folder);
  const content = await readFile(join(folder, recordName), "utf8").catch(() => undefined);
  if (!holder || content === undefined) return undefined;
  const parsed = recordSchema.safeParse(JSON.parse(content));
  return parsed.success && parsed.data.pid === holder.pid ? parsed.data : undefined;
}

const recordName = "server.json";
