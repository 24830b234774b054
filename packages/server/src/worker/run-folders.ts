// The folders that engines write to: one for each run, under a name of its own, made of one that an earlier run is done with.
//
// On a disk with ext4, making and removing a folder took 1.4 to 3.5 ms of a process that waits for it, up to 1 ms of them in the
// processor; to rename one takes 0.06 ms (benchmarks/queue/run.mjs under `node --cpu-prof`: two thirds of the worker's time).

import { lstatSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

export class RunFolders {
  readonly #parent: string;
  readonly #most: number;
  /** Empty ones, under the names of the runs that had them. */
  readonly #spare: string[] = [];
  #isClosed = false;

  /** `most`: spare folders that are kept. */
  constructor(parent: string, most: number) {
    this.#parent = parent;
    this.#most = most;
  }

  pathOf(name: string): string {
    return join(this.#parent, name);
  }

  /** An empty folder of that name, whatever lay there before. */
  async make(name: string): Promise<void> {
    const path = this.pathOf(name);
    const spare = this.#spare.pop();
    if (spare !== undefined && isRenamed(spare, path)) return;
    if (spare !== undefined) await rm(spare, { recursive: true, force: true });
    if (mkdirSync(path, { recursive: true }) !== undefined) return;
    await rm(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
  }

  /** Removes what a run has left whose engine writes there no more. The folder waits for another run, which gets it under
   *  another name: whoever writes to this one all the same reaches nobody. */
  async empty(name: string): Promise<void> {
    if (this.#isClosed || this.#spare.length >= this.#most) return this.remove(name);
    const path = this.pathOf(name);
    // A link in its place leads to what is not ours.
    if (!lstatSync(path).isDirectory()) return this.remove(name);
    for (const left of readdirSync(path)) await rm(join(path, left), { recursive: true, force: true });
    this.#spare.push(path);
  }

  /** Whatever is in it, or writes to it. */
  remove(name: string): Promise<void> {
    return rm(this.pathOf(name), { recursive: true, force: true });
  }

  /** Removes the spare ones, and keeps none any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const path of this.#spare.splice(0)) await rm(path, { recursive: true, force: true });
  }
}

/** Not when the spare one is gone, or something lies at its new place. */
function isRenamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}
