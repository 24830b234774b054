// Puts the files that an engine wrote into the file store, and names them.

import { extname } from "node:path";

import type { FinishedOutput } from "../db/queries/moves.ts";
import type { FileStore } from "../files/file-store.ts";
import { drawHexId, drawOutputFolder, drawToken } from "../secret-text.ts";
import type { OutputFile } from "./task-source.ts";

/** Stores each file durably, in order of `index`, as `0.png`, `1.png`, ... Nothing refers to them yet; when one
 *  cannot be stored, none is kept. */
export async function storeOutputs(files: FileStore, outputs: readonly OutputFile[]): Promise<FinishedOutput[]> {
  const stored: FinishedOutput[] = [];
  try {
    for (const output of [...outputs].sort((a, b) => a.index - b.index)) stored.push(await storeOutput(files, output));
  } catch (error) {
    await discardOutputs(files, stored);
    throw error;
  }
  return stored;
}

async function storeOutput(files: FileStore, output: OutputFile): Promise<FinishedOutput> {
  const name = `${output.index}${output.extension ?? extname(output.path)}`;
  const fileKey = `${drawOutputFolder()}/${name}`;
  const { sizeBytes } = await files.put(fileKey, output.path);
  return {
    id: drawHexId(),
    position: output.index,
    name,
    contentType: output.contentType,
    sizeBytes,
    accessKey: drawToken(),
    fileKey,
  };
}

/** Removes files that were stored for an attempt that turned out to be lost. */
export async function discardOutputs(files: FileStore, outputs: readonly FinishedOutput[]): Promise<void> {
  for (const output of outputs) await files.remove(output.fileKey);
}
