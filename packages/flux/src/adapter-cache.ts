// Keeps adapters in memory between pictures, so that a swap costs no reading.

import { stat } from "node:fs/promises";
import { readAdapter, type Adapter } from "./adapter-file.ts";
import { fileError } from "./errors.ts";
import type { FluxWeights } from "./flux-weights.ts";
import { limits } from "./limits.ts";

/** Adapters by path, size and modification time; the least recently used leave when `maxBytes` is exceeded. */
export class AdapterCache {
  readonly #weights: FluxWeights;
  readonly #maxBytes: number;
  /** In order of use, oldest first. */
  readonly #entries = new Map<string, { key: string; adapter: Adapter }>();

  constructor(weights: FluxWeights, maxBytes: number = limits.adapterCacheBytes) {
    this.#weights = weights;
    this.#maxBytes = maxBytes;
  }

  /** The adapter of a file; read again only when the file changed. Errors as `readAdapter`. */
  async get(path: string): Promise<Adapter> {
    const info = await stat(path).catch((cause: unknown) => {
      throw fileError("WEIGHTS_MISSING", path, "cannot be opened", cause);
    });
    const key = `${info.size}:${info.mtimeMs}`;
    const known = this.#entries.get(path);
    const adapter = known?.key === key ? known.adapter : await readAdapter(path, this.#weights);
    this.#entries.delete(path);
    this.#entries.set(path, { key, adapter });
    this.#shrink();
    return adapter;
  }

  get sizeBytes(): number {
    return [...this.#entries.values()].reduce((sum, { adapter }) => sum + memoryBytes(adapter), 0);
  }

  #shrink(): void {
    for (const path of this.#entries.keys()) {
      if (this.sizeBytes <= this.#maxBytes || this.#entries.size === 1) return;
      this.#entries.delete(path);
    }
  }
}

function memoryBytes(adapter: Adapter): number {
  let bytes = 0;
  for (const { down, up } of adapter.modules.values()) bytes += down.byteLength + up.byteLength;
  return bytes;
}
