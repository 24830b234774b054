// Unpacks an uploaded zip archive into received files. Nothing of an archive decides a path on this machine.

import { basename } from "node:path";
import { Readable } from "node:stream";

import yauzl from "yauzl";
import type { Entry, ZipFile } from "yauzl";

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import { mediaTypeOf } from "./media-type.ts";
import { discardReceived, receiveFile } from "./receive-file.ts";
import type { ReceivedFile } from "./receive-file.ts";

/** The files inside whose type is supported, in the archive's order, under their last names; folders, other types and what
 *  macOS adds are left out. All or nothing.
 *  Throws FILE_ARCHIVE_REFUSED for a name that would leave a folder, a link, a packed bomb, or what is no whole archive. */
export async function unpackArchive(
  deps: { readonly tempFolder: string },
  archive: ReceivedFile,
  parameter: string,
): Promise<ReceivedFile[]> {
  const unpacked: ReceivedFile[] = [];
  const budget = new Budget(Math.min(limits.archiveBytes, archive.sizeBytes * limits.archiveRatio));
  try {
    const zip = await yauzl.openPromise(archive.path, { lazyEntries: true, autoClose: false, strictFileNames: true });
    try {
      if (zip.entryCount > limits.archiveEntries) throw new Refusal(`it has more than ${limits.archiveEntries} entries`);
      for await (const entry of zip.eachEntry()) {
        const file = isWanted(entry) ? await unpackEntry(deps, { zip, entry, budget }) : undefined;
        if (file) unpacked.push(file);
      }
    } finally {
      zip.close();
    }
  } catch (cause) {
    await discardReceived(unpacked);
    // Whatever the reader throws is the archive's fault: it was written by the caller.
    const reason = cause instanceof Refusal ? cause.message : "it is damaged, or a name in it is not safe";
    throw new AtelierError("FILE_ARCHIVE_REFUSED", { parameter, reason }, { cause });
  }
  return unpacked;
}

class Refusal extends Error {}

/** Bytes that may still come out, whatever the archive claims: entries may share the same packed bytes. */
class Budget {
  #leftBytes: number;

  constructor(bytes: number) {
    this.#leftBytes = bytes;
  }

  async *spend(stream: Readable): AsyncGenerator<Buffer> {
    for await (const chunk of stream) {
      // A stream of packed bytes gives buffers.
      const bytes = chunk as Buffer;
      this.#leftBytes -= bytes.length;
      if (this.#leftBytes < 0) throw new Refusal("it unpacks to far more than it holds");
      yield bytes;
    }
  }
}

function isWanted(entry: Entry): boolean {
  const mode = entry.externalFileAttributes >>> 16;
  if ((mode & 0o170000) === 0o120000) throw new Refusal("it holds a link");
  return !entry.fileName.endsWith("/") && !entry.fileName.startsWith("__MACOSX/") && entry.uncompressedSize > 0;
}

async function unpackEntry(
  deps: { readonly tempFolder: string },
  { zip, entry, budget }: { zip: ZipFile; entry: Entry; budget: Budget },
): Promise<ReceivedFile | undefined> {
  if (entry.uncompressedSize > limits.fileBytes) throw new Refusal("one of its files is too large");
  const packed = await zip.openReadStreamPromise(entry);
  const stream = Readable.from(budget.spend(packed));
  const file = await receiveFile(deps, {
    stream,
    givenName: basename(entry.fileName),
    parameter: entry.fileName,
    maxBytes: limits.fileBytes,
  });
  if (mediaTypeOf(file.head, file.givenName)) return file;
  await discardReceived([file]);
  return undefined;
}
