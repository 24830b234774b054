// Small versions of stored pictures: made when they are first asked for, kept beside the picture, removed with it.

import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { FileStore } from "./file-store.ts";
import { writeThumbnail } from "./pictures.ts";

/** The widths that exist; any other is rounded up to one of these, so that nobody fills the store with a thousand. */
export const thumbnailWidths = [128, 256, 512, 1024, 2048] as const;

export interface Thumbnails {
  /** Opens the thumbnail of a stored picture at the width, made if need be. Undefined when there can be none: the picture
   *  is gone, damaged or too large. Throws SERVER_UNAVAILABLE when too many wait to be made. */
  open(fileKey: string, widthPixels: number): ReturnType<FileStore["open"]>;
}

/** The width that stands for the one asked for. */
export function thumbnailWidth(askedPixels: number): number {
  return thumbnailWidths.find((width) => width >= askedPixels) ?? thumbnailWidths.at(-1) ?? askedPixels;
}

export function openThumbnails(deps: { readonly files: FileStore; readonly tempFolder: string }): Thumbnails {
  const { files } = deps;
  const making = new Map<string, Promise<boolean>>();
  const queue = new MakingQueue();

  const make = (fileKey: string, key: string, widthPixels: number): Promise<boolean> => {
    const known = making.get(key);
    if (known) return known;
    const made = queue.run(() => makeThumbnail(deps, { fileKey, key, widthPixels })).finally(() => making.delete(key));
    making.set(key, made);
    return made;
  };
  return {
    async open(fileKey, widthPixels) {
      const key = thumbnailKey(fileKey, widthPixels);
      const kept = await files.open(key);
      if (kept) return kept;
      return (await make(fileKey, key, widthPixels)) ? files.open(key) : undefined;
    },
  };
}

/** The same store, whose `remove` removes the thumbnails of a picture with it and whose `list` leaves them out: they can be
 *  made again. */
export function withThumbnails(store: FileStore): FileStore {
  return {
    put: (key, source) => store.put(key, source),
    open: (key, range) => store.open(key, range),
    removeUnfinished: (before) => store.removeUnfinished(before),
    async remove(key) {
      const derived = isPicture(key) ? thumbnailWidths.map((width) => thumbnailKey(key, width)) : [];
      // The picture last: what is left after a crash is found by removing it again.
      await Promise.all(derived.map((derivedKey) => store.remove(derivedKey)));
      await store.remove(key);
    },
    async *list() {
      for await (const page of store.list()) yield page.filter((file) => !thumbnailForm.test(file.key));
    },
  };
}

const thumbnailForm = /\.w[0-9]+\.webp$/;

/** Where the thumbnail of a stored picture is kept. */
export function thumbnailKey(fileKey: string, widthPixels: number): string {
  return `${fileKey}.w${widthPixels}.webp`;
}

function isPicture(key: string): boolean {
  return /\.(png|jpe?g|webp|gif|avif)$/.test(key);
}

/** Copied to a file first: libvips reads a file in parts, and a stream only as a whole in memory. */
async function makeThumbnail(
  { files, tempFolder }: { readonly files: FileStore; readonly tempFolder: string },
  { fileKey, key, widthPixels }: { fileKey: string; key: string; widthPixels: number },
): Promise<boolean> {
  const source = await files.open(fileKey);
  if (!source) return false;
  const path = join(tempFolder, `thumbnail-${randomUUID()}`);
  try {
    await pipeline(source.stream, createWriteStream(path, { flags: "wx" }));
    if (!(await writeThumbnail(path, `${path}.webp`, widthPixels))) return false;
    await files.put(key, `${path}.webp`);
  } finally {
    await Promise.all([path, `${path}.webp`].map((made) => rm(made, { force: true })));
  }
  // The picture may have been removed meanwhile; its thumbnail must not outlive it.
  const still = await files.open(fileKey);
  still?.stream.destroy();
  if (!still) await files.remove(key);
  return still !== undefined;
}

/** A bounded number at work and a bounded number waiting: decoding takes memory and a processor. */
class MakingQueue {
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#busy >= limits.thumbnailsAtOnce) {
      if (this.#waiting.length >= limits.thumbnailsWaiting) throw new AtelierError("SERVER_UNAVAILABLE");
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#busy += 1;
    try {
      return await work();
    } finally {
      // The place goes to the next in line, or is given up.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#busy -= 1;
    }
  }
}
