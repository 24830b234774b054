// The port behind which bytes are kept: outputs now, uploads later.

import type { Readable } from "node:stream";

export interface FileStore {
  /** Stores a copy of the file at `sourcePath` under `key`; durable when it returns. Same key: replaced whole. */
  put(key: string, sourcePath: string): Promise<{ sizeBytes: number }>;
  /** Opens the bytes for reading, or undefined when the key is unknown. `start` and `end` (inclusive) select a range. */
  open(
    key: string,
    range?: { start: number; end: number },
  ): Promise<{ stream: Readable; sizeBytes: number } | undefined>;
  /** Removes the bytes; removing what is not there is not an error. */
  remove(key: string): Promise<void>;
}

/** Keys: path segments of letters, digits, dot, hyphen and underscore, none starting with a dot.
 *  Throws on anything else: keys are made by this server, so a bad one is a broken invariant. */
export function assertFileKey(key: string): void {
  const segment = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;
  const segments = key.split("/");
  if (segments.length > 4 || !segments.every((part) => segment.test(part))) {
    throw new Error(`not a file key: ${JSON.stringify(key)}`);
  }
}
