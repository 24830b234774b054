// The port behind which bytes are kept: the disk of one machine, or an S3 server for many.

import type { Readable } from "node:stream";

export interface StoredFile {
  readonly key: string;
  readonly sizeBytes: number;
  /** By the clock of whoever keeps the file: the disk's machine, or the S3 server. */
  readonly storedAt: Date;
}

export interface FileStore {
  /** Stores a copy of `source` (the path of a file, or its bytes) under `key`; durable when it returns. Same key: replaced
   *  whole. Memory stays bounded whatever the size. A put that fails leaves nothing under the key that was not there. */
  put(key: string, source: string | Readable): Promise<{ sizeBytes: number }>;
  /** Opens the bytes for reading, or undefined when the key is unknown. `start` and `end` (inclusive) select a range;
   *  `sizeBytes` is that of the whole file. */
  open(
    key: string,
    range?: { start: number; end: number },
  ): Promise<{ stream: Readable; sizeBytes: number } | undefined>;
  /** Removes the bytes; removing what is not there is not an error. */
  remove(key: string): Promise<void>;
  /** Every file, page by page, in no particular order. One that comes or goes meanwhile may be in it or not. */
  list(): AsyncIterable<readonly StoredFile[]>;
  /** Removes what puts that were broken off before `before` have left. Returns how many. */
  removeUnfinished(before: Date): Promise<number>;
}

/** Keys: path segments of letters, digits, dot, hyphen and underscore, none starting with a dot.
 *  Throws on anything else: keys are made by this server, so a bad one is a broken invariant. */
export function assertFileKey(key: string): void {
  if (!isFileKey(key)) throw new Error(`not a file key: ${JSON.stringify(key)}`);
}

export function isFileKey(key: string): boolean {
  const segment = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;
  const segments = key.split("/");
  return segments.length <= 4 && segments.every((part) => segment.test(part));
}
