// The key that seals secrets: from the environment, or a file made once that only this user may read.

import { randomBytes } from "node:crypto";
import { link, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import { OperatorError } from "../operator-error.ts";

/** 32 bytes. `given`: the key of ATELIER_MASTER_KEY, which wins over the file and is never written.
 *  Throws MASTER_KEY_INVALID when the file holds something else. */
export async function readMasterKey(folder: string, given: Buffer | undefined): Promise<Buffer> {
  if (given) return given;
  const path = join(folder, keyName);
  return parseKey(path, (await readKeyFile(path)) ?? (await createKeyFile(path)));
}

/** Like `readMasterKey`, for a folder whose server runs: never makes a key, which that server would not know. */
export async function readExistingMasterKey(folder: string, given: Buffer | undefined): Promise<Buffer> {
  if (given) return given;
  const path = join(folder, keyName);
  const content = await readKeyFile(path);
  if (content !== undefined) return parseKey(path, content);
  throw new OperatorError("MASTER_KEY_INVALID", {
    problem: "The server on this data folder was given its master key, which this command does not know.",
    remedy: "Set the ATELIER_MASTER_KEY that the server has.",
  });
}

const keyName = "master.key";

function parseKey(path: string, content: string): Buffer {
  const key = Buffer.from(content.trim(), "hex");
  if (key.length === 32) return key;
  throw new OperatorError("MASTER_KEY_INVALID", {
    problem: `${path} does not hold 64 hexadecimal characters.`,
    remedy: "Restore it from a backup: without it the stored secrets cannot be read.",
  });
}

async function readKeyFile(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

/** Written and synced beside its place, then linked: a crash leaves a whole key or none, and none is ever replaced. */
async function createKeyFile(path: string): Promise<string> {
  const partial = `${path}.${process.pid}`;
  const file = await open(partial, "w", 0o600);
  try {
    await file.writeFile(`${randomBytes(32).toString("hex")}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await link(partial, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(partial, { force: true });
  return readFile(path, "utf8");
}
