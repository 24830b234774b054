// Sends the files of an attempt to the server, piece by piece, and goes on where a broken connection stopped.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { extname } from "node:path";
import { pipeline } from "node:stream/promises";

import { offsetAnswerSchema } from "@atelier/schema/worker-messages";
import type { DeclaredOutput } from "@atelier/schema/worker-messages";

import { AtelierError } from "../../errors.ts";
import { limits } from "../../limits.ts";
import type { OutputFile } from "../../tasks/task-source.ts";
import type { ServerLink } from "./server-link.ts";

/** What the server will check: size and hash of a file. */
export async function declare({ index, path, contentType, extension = extname(path) }: OutputFile): Promise<DeclaredOutput> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return { index, extension, contentType, sizeBytes: (await stat(path)).size, sha256: hash.digest("hex") };
}

/** Sends what the server does not have yet, whichever of several servers has taken the pieces before. `attemptPath`:
 *  `tasks/…/attempts/…`. Throws WORKER_LEASE_LOST, WORKER_UPLOAD_TOO_LARGE, WORKER_UPLOAD_INCOMPLETE when piece after piece is
 *  refused, or SERVER_UNAVAILABLE when the server stays away. */
export async function uploadOutput(
  link: ServerLink,
  { attemptPath, file, sizeBytes }: { attemptPath: string; file: OutputFile; sizeBytes: number },
): Promise<void> {
  const url = `${attemptPath}/outputs/${file.index}`;
  const askOffset = async (): Promise<number> => (await link.call(url, offsetAnswerSchema, { method: "GET" })).offset;
  const handle = await open(file.path, "r");
  try {
    let offset = await link.certainly(askOffset);
    for (let stalls = 0; offset < sizeBytes; ) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(limits.uploadPieceBytes), 0, limits.uploadPieceBytes, offset);
      if (bytesRead === 0) break;
      const next = await sendPiece(link, { url, offset, piece: buffer.subarray(0, bytesRead), askOffset });
      stalls = next > offset ? 0 : stalls + 1;
      if (stalls >= limits.uploadTries) throw new AtelierError("WORKER_UPLOAD_INCOMPLETE", { index: file.index, offset: next, sizeBytes });
      offset = next;
    }
  } finally {
    await handle.close();
  }
}

/** Returns where the server's copy ends afterwards, whatever became of the piece. */
async function sendPiece(
  link: ServerLink,
  { url, offset, piece, askOffset }: { url: string; offset: number; piece: Buffer; askOffset: () => Promise<number> },
): Promise<number> {
  return link.certainly(async (isRepeated) => {
    const at = isRepeated ? await askOffset() : offset;
    if (at !== offset) return at;
    const timeoutMs = limits.workerRequestMs + Math.ceil((1000 * piece.length) / limits.slowestUploadBytesPerSecond);
    const options = { method: "PUT", body: piece, headers: { "upload-offset": String(offset) }, timeoutMs } as const;
    return (await link.call(url, offsetAnswerSchema, options)).offset;
  }).catch((error: unknown) => {
    if (error instanceof AtelierError && error.code === "WORKER_UPLOAD_OFFSET") return link.certainly(askOffset);
    throw error;
  });
}
