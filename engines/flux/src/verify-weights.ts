// Compares weights with the hashes that the models folder states for them.

import { stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { fileError } from "@atelier/flux/errors";
import type { FileHasher } from "@atelier/flux/file-hash";
import { readJsonValue } from "@atelier/flux/read-json";
import { limits } from "./limits.ts";

const listName = "weights.json";

interface WeightsEntry {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** SHA-256 of a weights file. When a `weights.json` in the folder `modelsFolder` lists it, size and hash must agree;
 *  a file that is not listed there (a person's own) passes. Hashes are read once per version of a file.
 *  Throws WEIGHTS_MISSING when the file cannot be read, WEIGHTS_INVALID when it differs. */
export async function verifiedHash(path: string, modelsFolder: string, hasher: FileHasher): Promise<string> {
  const expected = await listedEntry(path, modelsFolder);
  if (expected === undefined) return hasher.sha256(path);
  const { size } = await stat(path).catch((cause: unknown) => {
    throw fileError("WEIGHTS_MISSING", path, "cannot be opened", cause);
  });
  if (size !== expected.sizeBytes) {
    throw fileError("WEIGHTS_INVALID", path, `is ${size} bytes long, ${listName} says ${expected.sizeBytes}`);
  }
  const sha256 = await hasher.sha256(path);
  if (sha256 !== expected.sha256) {
    throw fileError("WEIGHTS_INVALID", path, `was altered: its SHA-256 is ${sha256}, ${listName} says ${expected.sha256}`);
  }
  return sha256;
}

/** The models folder of a base (`models/<base>`) or of an adapter (`models/adapters/<file>`). */
export function modelsFolderOf(kind: "base" | "adapter", path: string): string {
  return kind === "base" ? dirname(path) : dirname(dirname(path));
}

/** Paths in the list begin with `models/`, whatever the folder is called here. */
async function listedEntry(path: string, modelsFolder: string): Promise<WeightsEntry | undefined> {
  const listPath = join(modelsFolder, listName);
  const exists = await stat(listPath).then(() => true, () => false);
  if (!exists) return undefined;
  const list = await readJsonValue(listPath, limits.weightsListBytes);
  if (!Array.isArray(list) || !list.every(isEntry)) {
    throw fileError("WEIGHTS_INVALID", listPath, "is not a list of path, sha256 and sizeBytes");
  }
  const own = `models/${relative(modelsFolder, path).split(sep).join("/")}`;
  return list.find((entry) => entry.path === own);
}

function isEntry(value: unknown): value is WeightsEntry {
  if (typeof value !== "object" || value === null) return false;
  const { path, sha256, sizeBytes } = value as Record<string, unknown>; // fields are checked next
  return typeof path === "string" && typeof sha256 === "string" && typeof sizeBytes === "number";
}
