// Streams what a caller sends into a file of its own, never more of it than agreed and never in memory as a whole.

import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { AtelierError } from "../errors.ts";
import { headBytes } from "./media-type.ts";

/** A whole file that nobody knows of yet. Whoever holds it removes `path` in the end. */
export interface ReceivedFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Its beginning, as much as `mediaTypeOf` wants. */
  readonly head: Buffer;
  /** As the caller calls it. */
  readonly givenName: string;
}

/** Throws FILE_TOO_LARGE beyond `maxBytes`, or what the stream was destroyed with; nothing is left then. */
export async function receiveFile(
  deps: { readonly tempFolder: string },
  file: { readonly stream: Readable; readonly givenName: string; readonly parameter: string; readonly maxBytes: number },
): Promise<ReceivedFile> {
  const path = join(deps.tempFolder, `upload-${randomUUID()}`);
  let sizeBytes = 0;
  let head = Buffer.alloc(0);
  const hash = createHash("sha256");
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      hash.update(chunk);
      if (head.length < headBytes) head = Buffer.concat([head, chunk.subarray(0, headBytes - head.length)]);
      if (sizeBytes <= file.maxBytes) return done(null, chunk);
      const maxMib = Math.floor(file.maxBytes / 1024 / 1024);
      done(new AtelierError("FILE_TOO_LARGE", { parameter: file.parameter, max: maxMib }));
    },
  });
  try {
    await pipeline(file.stream, measure, createWriteStream(path, { flags: "wx" }));
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return { path, sizeBytes, sha256: hash.digest("hex"), head, givenName: file.givenName };
}

export async function discardReceived(received: readonly ReceivedFile[]): Promise<void> {
  await Promise.all(received.map((file) => rm(file.path, { force: true })));
}
