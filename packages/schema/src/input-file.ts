// The files of a run's input: how a request names them, and how a task keeps them (docs/wire-contract.md, "File inputs").

import type { Parameter } from "./manifest.ts";
import { kindOf } from "./parameter-kind.ts";

/** A file as a request names it. */
export type NamedFile =
  /** The file part that arrived under the parameter's name, by its place among those. */
  | { readonly part: number }
  /** The id of an earlier upload. */
  | { readonly id: string }
  /** Any other text: an address, of this server or of another one. */
  | { readonly url: string };

/** A file as a task's input keeps it, found and permitted: a worker only copies or fetches it. */
export type InputFile =
  /** In the file store. */
  | { readonly fileKey: string; readonly name: string }
  /** Under the models folder: a sample of the model's own. */
  | { readonly sample: string }
  | { readonly url: string };

export function isFileParameter(parameter: Pick<Parameter, "type">): boolean {
  return kindOf(parameter) === "files";
}

/** The key under which a request may give addresses for a file parameter. */
export function companionKey(parameterId: string): string {
  return `${parameterId}Url`;
}

/** Every list of files of a validated input that has any, by its parameter: as named, or as kept with a task. Lists of text are
 *  several choices. */
export function inputFilesOf<File extends NamedFile | InputFile = InputFile>(
  input: Readonly<Record<string, unknown>>,
): [parameter: string, files: readonly File[]][] {
  return Object.entries(input).filter((entry): entry is [string, File[]] => isFileList(entry[1]));
}

function isFileList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "object" && item !== null);
}

/** The keys of the stored files that a task's input names. */
export function fileKeysOf(input: Readonly<Record<string, unknown>>): string[] {
  return inputFilesOf(input).flatMap(([, files]) => files.flatMap((file) => ("fileKey" in file ? [file.fileKey] : [])));
}
