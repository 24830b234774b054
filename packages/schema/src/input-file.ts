// The files of a run's input: how a request names them, and how a task keeps them (docs/wire-contract.md, "File inputs").

import type { Parameter } from "./manifest.ts";

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

export const fileTypes = ["fileinput", "multifileinput", "combinefileinput"] as const;

export function isFileParameter(parameter: Pick<Parameter, "type">): boolean {
  return (fileTypes as readonly string[]).includes(parameter.type);
}

/** The key under which a request may give addresses for a file parameter. */
export function companionKey(parameterId: string): string {
  return `${parameterId}Url`;
}

/** Every list of files of a task's input, by its parameter. */
export function inputFilesOf(input: Readonly<Record<string, unknown>>): [parameter: string, files: readonly InputFile[]][] {
  // Only file parameters have lists in a validated input, and these are what the lists hold.
  return Object.entries(input).filter((entry): entry is [string, InputFile[]] => Array.isArray(entry[1]));
}

/** The keys of the stored files that a task's input names. */
export function fileKeysOf(input: Readonly<Record<string, unknown>>): string[] {
  return inputFilesOf(input).flatMap(([, files]) => files.flatMap((file) => ("fileKey" in file ? [file.fileKey] : [])));
}
