// The base models that are loaded, by folder; the least recently used leave when memory runs short.

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileError } from "@atelier/flux/errors";
import type { FileHasher } from "@atelier/flux/file-hash";
import { openPipeline, type Pipeline } from "@atelier/flux/pipeline";
import { optionalPaths, pipelinePaths, weightPaths } from "@atelier/flux/pipeline-files";
import { modelsFolderOf, verifiedHash } from "./verify-weights.ts";

export interface LoadedBase {
  readonly pipeline: Pipeline;
  /** SHA-256 of weights and vocabulary, by their paths in the folder. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** What decides the pixels beside settings: the weights and the vocabulary. */
const hashedPaths = [...weightPaths, pipelinePaths.tokenizer];

interface Entry extends LoadedBase {
  /** Sizes and times of all files when they were loaded. */
  readonly version: string;
}

export interface BaseStoreOptions {
  readonly threads: number;
  /** Weights kept, counted as float32. One base is always kept, whatever its size. */
  readonly maxBytes: number;
  readonly hasher: FileHasher;
}

/** Loads bases on demand and keeps them. Not for concurrent use: the engine works on one request at a time. */
export class BaseStore {
  readonly #options: BaseStoreOptions;
  /** In order of use, oldest first. */
  readonly #entries = new Map<string, Entry>();
  #loadCount = 0;

  constructor(options: BaseStoreOptions) {
    this.#options = options;
  }

  /** How often a base was loaded since the process started. */
  get loadCount(): number {
    return this.#loadCount;
  }

  /** The base of a folder, loaded when it is not yet or when its files changed. Looks at the files every time, so that
   *  a missing or altered file is told even when the base is still in memory.
   *  Throws WEIGHTS_MISSING, WEIGHTS_INVALID or MODEL_UNSUPPORTED with the path of the file. */
  async get(folder: string): Promise<LoadedBase> {
    const version = await filesVersion(folder);
    const known = this.#entries.get(folder);
    if (known !== undefined && known.version === version) {
      this.#entries.delete(folder);
      this.#entries.set(folder, known);
      return known;
    }
    await this.unload(folder);
    const hashes = await this.#verify(folder);
    const pipeline = await openPipeline(folder, { threads: this.#options.threads });
    this.#loadCount++;
    const entry = { pipeline, hashes, version };
    this.#entries.set(folder, entry);
    await this.#shrink();
    return entry;
  }

  /** Frees a base; nothing happens when it is not loaded. */
  async unload(folder: string): Promise<void> {
    const entry = this.#entries.get(folder);
    if (entry === undefined) return;
    this.#entries.delete(folder);
    await entry.pipeline.close();
  }

  get folders(): string[] {
    return [...this.#entries.keys()];
  }

  async #verify(folder: string): Promise<Record<string, string>> {
    const hashes: Record<string, string> = {};
    for (const path of [...hashedPaths, ...(await optionalFiles(folder))]) {
      hashes[path] = await verifiedHash(join(folder, path), modelsFolderOf("base", folder), this.#options.hasher);
    }
    return hashes;
  }

  async #shrink(): Promise<void> {
    for (const folder of this.folders) {
      const bytes = [...this.#entries.values()].reduce((sum, { pipeline }) => sum + pipeline.weightBytes, 0);
      if (bytes <= this.#options.maxBytes || this.#entries.size === 1) return;
      await this.unload(folder);
    }
  }
}

async function filesVersion(folder: string): Promise<string> {
  const versions: string[] = [];
  for (const path of Object.values(pipelinePaths)) {
    versions.push(await fileVersion(join(folder, path)));
  }
  for (const path of await optionalFiles(folder)) versions.push(await fileVersion(join(folder, path)));
  return versions.join("|");
}

/** The optional files that this base has. */
async function optionalFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const path of Object.values(optionalPaths)) {
    if (await stat(join(folder, path)).then(() => true, () => false)) found.push(path);
  }
  return found;
}

async function fileVersion(path: string): Promise<string> {
  const info = await stat(path).catch((cause: unknown) => {
    throw fileError("WEIGHTS_MISSING", path, "cannot be opened", cause);
  });
  return `${info.size}:${info.mtimeMs}:${info.ino}`;
}
