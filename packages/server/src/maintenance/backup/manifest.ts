// What a backup says of itself: what is in it, with checksums, and what can read it.

import { createHash, createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { OperatorError } from "../../operator-error.ts";

/** Raised when an older version could no longer read a backup. */
export const backupFormat = 1;

const checked = { sizeBytes: z.number(), sha256: z.string() };

export const backupManifest = z.object({
  format: z.number(),
  createdAt: z.string(),
  postgresVersion: z.string(),
  /** Recognizes the master key under which the secrets in the tables are sealed; tells nothing of it. */
  masterKeyCheck: z.string(),
  hasMasterKey: z.boolean(),
  migrations: z.array(z.object({ version: z.number(), sha256: z.string() })),
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()), ...checked })),
  sequences: z.array(z.object({ name: z.string(), lastValue: z.string(), isCalled: z.boolean() })),
  files: z.object({ count: z.number(), totalBytes: z.number(), list: z.object(checked) }),
  /** Files that were deleted while the backup was made. */
  filesGone: z.array(z.string()),
});

export type BackupManifest = z.infer<typeof backupManifest>;

export const manifestName = "manifest.json";
export const fileListName = "files.jsonl";
export const masterKeyName = "master.key";

export const tablePath = (folder: string, table: string): string => join(folder, "tables", `${table}.copy`);

/** One line of the list of files. */
export const listedFile = z.object({ key: z.string(), ...checked });

/** Reads the manifest. Throws BACKUP_INVALID for what is no whole backup, or one of a newer version. */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const content = await readFile(join(folder, manifestName), "utf8").catch(() => undefined);
  if (content === undefined) throw invalid(folder, "it has no manifest.json: it is no backup, or one that was broken off");
  const json = parseJson(content);
  const format = z.object({ format: z.number() }).safeParse(json);
  if (format.success && format.data.format > backupFormat) throw invalid(folder, "a newer version of Atelier made it");
  const parsed = backupManifest.safeParse(json);
  if (!parsed.success) throw invalid(folder, "its manifest.json is damaged");
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then says that it is damaged
  }
}

export function invalid(folder: string, reason: string): OperatorError {
  return new OperatorError("BACKUP_INVALID", {
    problem: `${folder} cannot be restored: ${reason}.`,
    remedy: "Give a whole backup made by `npx atelier backup`, with an Atelier at least as new as the one that made it.",
  });
}

/** The same for the same key, and of no use to find it. */
export function keyCheck(masterKey: Buffer): string {
  return createHmac("sha256", masterKey).update("atelier backup").digest("hex");
}

/** Counts and hashes what passes. */
export class Meter {
  sizeBytes = 0;
  readonly #hash = createHash("sha256");

  async *measure(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.sizeBytes += chunk.length;
      this.#hash.update(chunk);
      yield chunk;
    }
  }

  /** Once, at the end. */
  result(): { sizeBytes: number; sha256: string } {
    return { sizeBytes: this.sizeBytes, sha256: this.#hash.digest("hex") };
  }
}
