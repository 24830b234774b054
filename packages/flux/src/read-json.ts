// Reads small JSON files of a model folder, with a size limit and errors that name the file and the field.

import { readFile, stat } from "node:fs/promises";
import { fileError } from "./errors.ts";

/** One JSON object and the file it came from. */
export interface JsonFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Reads a JSON object of at most `maxBytes`. Throws WEIGHTS_MISSING when the file cannot be read, WEIGHTS_INVALID
 *  when it is too large or not a JSON object. */
export async function readJson(path: string, maxBytes: number): Promise<JsonFile> {
  const values = await readJsonValue(path, maxBytes);
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw fileError("WEIGHTS_INVALID", path, "is not a JSON object");
  }
  return { path, values: values as Record<string, unknown> }; // an object, as just checked
}

/** Reads any JSON value. Errors as `readJson`. */
export async function readJsonValue(path: string, maxBytes: number): Promise<unknown> {
  const text = await readText(path, maxBytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fileError("WEIGHTS_INVALID", path, "is not JSON", cause);
  }
}

/** A finite number; `fallback` when the field is absent or null. */
export function numberField(file: JsonFile, key: string, fallback: number): number {
  const value = file.values[key] ?? fallback;
  if (typeof value !== "number" || !Number.isFinite(value)) throw wrongField(file, key, "a number");
  return value;
}

/** A positive integer; `fallback` when the field is absent or null. */
export function countField(file: JsonFile, key: string, fallback: number): number {
  const value = numberField(file, key, fallback);
  if (!Number.isSafeInteger(value) || value < 1) throw wrongField(file, key, "a positive integer");
  return value;
}

export function booleanField(file: JsonFile, key: string, fallback: boolean): boolean {
  const value = file.values[key] ?? fallback;
  if (typeof value !== "boolean") throw wrongField(file, key, "true or false");
  return value;
}

/** A list of finite numbers of one length, or undefined when the field is absent or null. */
export function numbersField(file: JsonFile, key: string, length: number): number[] | undefined {
  const value = file.values[key] ?? undefined;
  if (value === undefined) return undefined;
  const isList = Array.isArray(value) && value.length === length && value.every(Number.isFinite);
  if (!isList) throw wrongField(file, key, `a list of ${length} numbers`);
  return value as number[]; // every item was just checked
}

/** Two positive numbers, the smaller first, or undefined when the field is absent or null. */
export function rangeField(file: JsonFile, key: string): readonly [number, number] | undefined {
  const [low, high] = numbersField(file, key, 2) ?? [];
  if (low === undefined || high === undefined) return undefined;
  if (low <= 0 || high < low) throw wrongField(file, key, "a range of two positive numbers");
  return [low, high];
}

/** Refuses settings of the reference that this package does not implement: the field must be absent or one of these. */
export function requireField(file: JsonFile, key: string, allowed: readonly unknown[]): void {
  const value = file.values[key];
  if (value === undefined || value === null || allowed.includes(value)) return;
  throw fileError("MODEL_UNSUPPORTED", file.path, `"${key}" is ${JSON.stringify(value)}; only ${allowed.join(", ")} works`);
}

async function readText(path: string, maxBytes: number): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes) throw fileError("WEIGHTS_INVALID", path, `is ${size} bytes long; at most ${maxBytes}`);
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.name !== "FluxError") {
      throw fileError("WEIGHTS_MISSING", path, "cannot be read", cause);
    }
    throw cause;
  }
}

function wrongField(file: JsonFile, key: string, expected: string) {
  return fileError("WEIGHTS_INVALID", file.path, `"${key}" is not ${expected}`);
}
