// Brings the files that a task's input names to this machine: from the store, from the models folder, or from other hosts
// (docs/wire-contract.md, "File inputs").

import { mkdir, open, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import type { EngineInputFile } from "@atelier/schema/engine-messages";
import { inputFilesOf } from "@atelier/schema/input-file";
import type { InputFile } from "@atelier/schema/input-file";

import { fileNameFor } from "../files/file-name.ts";
import { headBytes, mediaTypeOf } from "../files/media-type.ts";
import { limits } from "../limits.ts";
import { OutboundError } from "../outbound/outbound-error.ts";
import type { Outbound } from "../outbound/outbound.ts";

/** A file that could not be had, for a reason that is not this server's: the run fails and is not tried again. */
export class InputFailure extends Error {}

export interface FetchDeps {
  /** Copies a stored file of the task to `path`. False: it is gone. */
  readonly readStored: (fileKey: string, path: string) => Promise<boolean>;
  /** Where a sample of the models folder is, or undefined. */
  readonly findSample: (file: string) => string | undefined;
  readonly outbound: Pick<Outbound, "download">;
  readonly signal: AbortSignal;
}

/** Every file of the input, in order, under `folder`. Throws InputFailure. */
export async function fetchInputs(
  deps: FetchDeps,
  input: Readonly<Record<string, unknown>>,
  folder: string,
): Promise<EngineInputFile[]> {
  const wanted = inputFilesOf(input).flatMap(([parameter, files]) => files.map((file, at) => ({ parameter, file, at })));
  if (wanted.length === 0) return [];
  await mkdir(folder, { recursive: true });
  const budget = new Budget();
  const fetched: EngineInputFile[] = [];
  for (let start = 0; start < wanted.length; start += limits.inputFetches) {
    const batch = wanted.slice(start, start + limits.inputFetches).map(async ({ parameter, file, at }) => {
      const { path, name } = await fetchInput(deps, { parameter, file, path: join(folder, `${parameter}-${at}`), budget });
      return { parameter, path, name };
    });
    // All are waited for, so that none still writes into a folder that is being removed.
    const settled = await Promise.allSettled(batch);
    for (const outcome of settled) {
      if (outcome.status === "rejected") throw outcome.reason;
      fetched.push(outcome.value);
    }
  }
  return fetched;
}

interface WantedFile {
  readonly parameter: string;
  readonly file: InputFile;
  readonly path: string;
  readonly budget: Budget;
}

async function fetchInput(deps: FetchDeps, { parameter, file, path, budget }: WantedFile): Promise<{ path: string; name: string }> {
  if ("sample" in file) {
    const sample = deps.findSample(file.sample);
    if (sample === undefined) throw failure(parameter, "The sample is not on the machine that runs the task.");
    return { path: sample, name: basename(file.sample) };
  }
  if ("fileKey" in file) {
    if (!(await deps.readStored(file.fileKey, path))) throw failure(parameter, "The file is gone.");
    budget.spend(parameter, (await stat(path)).size);
    return { path, name: file.name };
  }
  return download(deps, { parameter, url: file.url, path, budget });
}

async function download(
  { outbound, signal }: FetchDeps,
  { parameter, url, path, budget }: { parameter: string; url: string; path: string; budget: Budget },
): Promise<{ path: string; name: string }> {
  try {
    const { sizeBytes } = await outbound.download({ url, path, maxBytes: limits.outboundDownloadBytes, signal });
    budget.spend(parameter, sizeBytes);
  } catch (cause) {
    if (!(cause instanceof OutboundError) || cause.code === "stopped") throw cause;
    const status = cause.status === undefined ? "" : ` (HTTP ${cause.status})`;
    throw failure(parameter, `${cause.message}${status}`, cause);
  }
  // The host's label is a claim: what counts are the bytes, and the name only for text.
  const givenName = decodedName(url);
  const media = mediaTypeOf(await headOf(path), givenName);
  if (!media) throw failure(parameter, "What the address gave is of no supported type.");
  return { path, name: fileNameFor(givenName, media) };
}

/** Bytes that all files of one task may have together. */
class Budget {
  #leftBytes: number = limits.inputTotalBytes;

  spend(parameter: string, sizeBytes: number): void {
    this.#leftBytes -= sizeBytes;
    if (this.#leftBytes < 0) throw failure(parameter, "The files of the run are too large together.");
  }
}

function failure(parameter: string, reason: string, cause?: unknown): InputFailure {
  return new InputFailure(`${parameter}: ${reason}`, { cause });
}

async function headOf(path: string): Promise<Buffer> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The last part of the address's path. */
function decodedName(url: string): string {
  const last = new URL(url).pathname.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
