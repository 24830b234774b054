// SHA-256 of weights, read once per version of a file.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { fileError } from "./errors.ts";

/** Remembers hashes by path, size and modification time. */
export class FileHasher {
  readonly #known = new Map<string, { key: string; sha256: string }>();

  /** Lower-case hexadecimal SHA-256 of a file, streamed. Throws WEIGHTS_MISSING when it cannot be read. */
  async sha256(path: string): Promise<string> {
    try {
      const info = await stat(path);
      const key = `${info.size}:${info.mtimeMs}:${info.ino}`;
      const known = this.#known.get(path);
      if (known?.key === key) return known.sha256;
      const hash = createHash("sha256");
      await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
      const sha256 = hash.digest("hex");
      this.#known.set(path, { key, sha256 });
      return sha256;
    } catch (cause) {
      throw fileError("WEIGHTS_MISSING", path, "cannot be read", cause);
    }
  }
}
