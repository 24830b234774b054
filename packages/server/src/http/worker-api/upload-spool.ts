// Where outputs of remote workers wait until their task ends: pieces are appended at their offset, and the whole is checked
// before it is used. Nothing here is visible to anybody.

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { DeclaredOutput } from "@atelier/schema/worker-messages";

import { AtelierError } from "../../errors.ts";
import { limits } from "../../limits.ts";
import type { Lease, OutputFile } from "../../tasks/task-source.ts";

interface Writing {
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
}

export class UploadSpool {
  readonly #folder: string;
  /** At most one request writes a file; a newer one ends the older, whose connection may be dead without anybody knowing. */
  readonly #writing = new Map<string, Writing>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** How much of an output is here. */
  async offsetOf(lease: Lease, index: number): Promise<number> {
    const path = this.#pathOf(lease, index);
    await this.#interrupt(path);
    return sizeOf(path);
  }

  /** Appends a piece, as far as it arrives, and returns the new offset.
   *  Throws WORKER_UPLOAD_OFFSET when `offset` is not where the file ends, WORKER_UPLOAD_TOO_LARGE beyond the limit. */
  async append(lease: Lease, { index, offset, piece }: { index: number; offset: number; piece: Readable }): Promise<number> {
    const path = this.#pathOf(lease, index);
    await this.#interrupt(path);
    const stop = new AbortController();
    const appending = this.#append(path, { offset, piece, signal: stop.signal });
    const writing = { stop, ended: appending.catch(() => undefined) };
    this.#writing.set(path, writing);
    try {
      await appending;
    } finally {
      if (this.#writing.get(path) === writing) this.#writing.delete(path);
    }
    return sizeOf(path);
  }

  /** The files of an attempt, whole and as declared. Throws WORKER_UPLOAD_INCOMPLETE, or WORKER_UPLOAD_CHECKSUM after
   *  removing the file that is not what its worker said. */
  async take(lease: Lease, outputs: readonly DeclaredOutput[]): Promise<OutputFile[]> {
    const files: OutputFile[] = [];
    for (const { index, extension, contentType, sizeBytes, sha256 } of outputs) {
      const path = this.#pathOf(lease, index);
      await this.#interrupt(path);
      const offset = await sizeOf(path);
      if (offset < sizeBytes || (sizeBytes === 0 && !(await exists(path)))) {
        throw new AtelierError("WORKER_UPLOAD_INCOMPLETE", { index, offset, sizeBytes });
      }
      if (offset !== sizeBytes || (await hashOf(path)) !== sha256) {
        await rm(path, { force: true });
        throw new AtelierError("WORKER_UPLOAD_CHECKSUM", { index });
      }
      files.push({ index, path, contentType, extension });
    }
    return files;
  }

  /** Removes what is here of an attempt. */
  async discard(lease: Lease): Promise<void> {
    const folder = this.#folderOf(lease);
    for (const path of this.#writing.keys()) if (path.startsWith(folder)) await this.#interrupt(path);
    await rm(folder, { recursive: true, force: true });
  }

  /** The attempts of which something is here. */
  async attempts(): Promise<Lease[]> {
    const names = await readdir(this.#folder).catch(() => []);
    return names
      .map((name) => /^(\d+)-(\d+)$/.exec(name))
      .flatMap((match) => (match ? [{ taskId: match[1] ?? "", attempt: Number(match[2]) }] : []));
  }

  async #append(path: string, { offset, piece, signal }: { offset: number; piece: Readable; signal: AbortSignal }): Promise<void> {
    const size = await sizeOf(path);
    if (size !== offset) throw new AtelierError("WORKER_UPLOAD_OFFSET", { offset: size });
    await mkdir(join(path, ".."), { recursive: true });
    await pipeline(piece, boundedTo(limits.outputBytes - offset), createWriteStream(path, { flags: "a" }), { signal });
  }

  async #interrupt(path: string): Promise<void> {
    const writing = this.#writing.get(path);
    writing?.stop.abort();
    await writing?.ended;
  }

  #folderOf({ taskId, attempt }: Lease): string {
    return join(this.#folder, `${taskId}-${attempt}`);
  }

  #pathOf(lease: Lease, index: number): string {
    return join(this.#folderOf(lease), String(index));
  }
}

function boundedTo(leftBytes: number): Transform {
  let left = leftBytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length;
      if (left < 0) done(new AtelierError("WORKER_UPLOAD_TOO_LARGE", { most: limits.outputBytes }));
      else done(null, chunk);
    },
  });
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
