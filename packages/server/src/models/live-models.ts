// Keeps the models of a running server as their files are: a changed manifest or text is served without a restart.

import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";

import type { Manifest } from "@atelier/schema/manifest";

import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { OperatorError } from "../operator-error.ts";
import { manifestNames, readManifestFile } from "./model-files.ts";
import { readCatalogue } from "./read-texts.ts";
import { loadModels } from "./registry.ts";
import type { ModelRegistry } from "./registry.ts";

export interface LiveModels extends ModelRegistry {
  /** Reads what has changed since the last time; resolves when it is served. Called by itself soon after a change. */
  refresh(): Promise<void>;
  stop(): void;
}

type Texts = readonly (readonly [string, string])[];

/** Reads the models, and again whenever their files change. Whoever asks gets the models of one reading: the registry is
 *  exchanged whole. A broken file keeps its last good version and is told to the log with file, line and field; one that
 *  was broken from the beginning keeps the server from starting. Throws CONFIG_INVALID then. */
export async function openModels(folders: readonly string[], { log }: { log: Log }): Promise<LiveModels> {
  const live = new WatchedModels(folders, log);
  await live.start();
  return live;
}

class WatchedModels implements LiveModels {
  readonly #folders: readonly string[];
  readonly #log: Log;
  /** The last good version of every file. */
  readonly #manifests = new Map<string, Manifest>();
  readonly #texts = new Map<string, Texts>();
  /** What was last told of each broken file, so that it is told once. */
  readonly #told = new Map<string, string>();
  #registry: ModelRegistry | undefined;
  #version = "";
  #watchers: FSWatcher[] = [];
  #poll: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(folders: readonly string[], log: Log) {
    this.#folders = folders;
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#version = await versionOf(this.#folders);
    this.#registry = await loadModels(this.#folders, {
      manifest: async (file) => remembered(this.#manifests, file, await readManifestFile(file)),
      texts: async (file) => remembered(this.#texts, file, await readCatalogue(file)),
    });
    this.#watch();
    // Network folders tell nobody of their changes, and a folder that is not there yet cannot be watched.
    this.#poll = setInterval(() => void this.refresh(), limits.modelsPollMs).unref();
  }

  list = (): readonly Manifest[] => this.#models.list();
  find = (name: { owner: string; slug: string }): Manifest | undefined => this.#models.find(name);
  findByName = (name: string): Manifest | undefined => this.#models.findByName(name);
  coverPath = (fileName: string): string | undefined => this.#models.coverPath(fileName);
  samplePath = (fileName: string): string | undefined => this.#models.samplePath(fileName);
  textOf = (key: string): string | undefined => this.#models.textOf(key);

  refresh(): Promise<void> {
    // One after the other, so that an older reading never replaces a newer one.
    this.#refreshing = this.#refreshing.then(() => this.#readChanges()).catch((error: unknown) => this.#tell("models", error));
    return this.#refreshing;
  }

  stop(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#soon);
    for (const watcher of this.#watchers) watcher.close();
  }

  get #models(): ModelRegistry {
    if (!this.#registry) throw new Error("the models are read before they are given out");
    return this.#registry;
  }

  async #readChanges(): Promise<void> {
    const version = await versionOf(this.#folders);
    if (version === this.#version) return;
    this.#version = version;
    const registry = await loadModels(this.#folders, {
      manifest: (file) => this.#goodVersion(this.#manifests, file, readManifestFile),
      texts: async (file) => (await this.#goodVersion(this.#texts, file, readCatalogue)) ?? [],
    });
    this.#registry = registry;
    this.#told.delete("models");
    this.#watch();
    this.#log.info({ models: registry.list().length }, "models.reloaded");
  }

  /** The file as it is now, or as it was when it was last right; undefined when it never was. */
  async #goodVersion<Value>(known: Map<string, Value>, file: string, read: (file: string) => Promise<Value>): Promise<Value | undefined> {
    try {
      const value = remembered(known, file, await read(file));
      this.#told.delete(file);
      return value;
    } catch (error) {
      // Removed between the look into its folder and the reading.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      this.#tell(file, error);
      return known.get(file);
    }
  }

  #tell(what: string, error: unknown): void {
    const problem = error instanceof OperatorError ? error.problem : String(error);
    if (this.#told.get(what) === problem) return;
    this.#told.set(what, problem);
    const remedy = "The last good version is served until the file is right.";
    this.#log.error({ problem, remedy }, "models.file_broken");
  }

  #watch(): void {
    for (const watcher of this.#watchers) watcher.close();
    const folders = this.#folders.flatMap((folder) => [folder, join(folder, "texts")]);
    this.#watchers = folders.flatMap((folder) => {
      try {
        const watcher = watch(folder, { persistent: false }, () => this.#changedSoon());
        watcher.on("error", () => watcher.close());
        return [watcher];
      } catch {
        return []; // not there yet: the poll sees it come
      }
    });
  }

  /** Editors write a file in several steps. */
  #changedSoon(): void {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => void this.refresh(), limits.modelsSettleMs).unref();
  }
}

function remembered<Value>(known: Map<string, Value>, file: string, value: Value): Value {
  known.set(file, value);
  return value;
}

/** Changes whenever a manifest or a text comes, goes or is written. */
async function versionOf(folders: readonly string[]): Promise<string> {
  const perFolder = folders.map(async (folder) => {
    const names = [...(await manifestNames(folder).catch(() => [])), join("texts", "en.json")];
    return Promise.all(names.map((name) => fileVersion(join(folder, name))));
  });
  return (await Promise.all(perFolder)).flat().join("\n");
}

async function fileVersion(file: string): Promise<string> {
  const facts = await stat(file, { bigint: true }).catch(() => undefined);
  return facts ? `${file} ${facts.size} ${facts.mtimeNs} ${facts.ino}` : "";
}
