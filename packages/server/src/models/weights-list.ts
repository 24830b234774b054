// The list of weights beside the manifests: sizes and hashes, which engines compare before they load.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { OperatorError } from "../operator-error.ts";
import { parseJsonFile } from "./json-file.ts";
import { weightsList } from "./model-files.ts";

const entrySchema = z.looseObject({ path: z.string(), sha256: z.string(), sizeBytes: z.int() });
type WeightsEntry = z.infer<typeof entrySchema>;

/** `file`: relative to the models folder, with `/`. */
export interface WeightsFile {
  readonly folder: string;
  readonly file: string;
}

/** Throws COMMAND_FAILED when the folder's list names the file with another size or hash. */
export async function checkListed({ folder, file }: WeightsFile): Promise<void> {
  const listed = (await readList(folder)).find((entry) => entry.path === `models/${file}`);
  if (!listed) return;
  const actual = await entryOf({ folder, file });
  if (actual.sha256 === listed.sha256 && actual.sizeBytes === listed.sizeBytes) return;
  throw new OperatorError("COMMAND_FAILED", {
    problem: `${join(folder, file)} is not the file that ${join(folder, weightsList)} names: its SHA-256 is ${actual.sha256}.`,
    remedy: "Get the file again, or correct the list.",
  });
}

/** Replaces what the list says of these files by what they are. */
export async function listWeights(folder: string, files: readonly string[]): Promise<void> {
  const entries = await Promise.all(files.map((file) => entryOf({ folder, file })));
  const paths = new Set(entries.map((entry) => entry.path));
  await writeList(folder, [...(await readList(folder)).filter((entry) => !paths.has(entry.path)), ...entries]);
}

export async function unlistWeights(folder: string, files: readonly string[]): Promise<void> {
  const paths = new Set(files.map((file) => `models/${file}`));
  const kept = (await readList(folder)).filter((entry) => !paths.has(entry.path));
  await writeList(folder, kept);
}

async function entryOf({ folder, file }: WeightsFile): Promise<WeightsEntry> {
  const path = join(folder, file);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer); // without an encoding, chunks are bytes
  return { path: `models/${file}`, sha256: hash.digest("hex"), sizeBytes: (await stat(path)).size };
}

async function readList(folder: string): Promise<WeightsEntry[]> {
  const file = join(folder, weightsList);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "[]";
    throw error;
  });
  return parseJsonFile({ file, text, kind: "list of weights" }, z.array(entrySchema));
}

/** Written aside and renamed: an engine reads the old list or the new one. */
async function writeList(folder: string, entries: readonly WeightsEntry[]): Promise<void> {
  const file = join(folder, weightsList);
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  await writeFile(`${file}.part`, `${JSON.stringify(sorted, null, 2)}\n`);
  await rename(`${file}.part`, file);
}
