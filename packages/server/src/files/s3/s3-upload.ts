// Uploads a file of any size with the memory of two parts: small ones whole, others as a multipart upload.

import { limits } from "../../limits.ts";
import { readText, S3Error } from "./s3-request.ts";
import type { SendS3 } from "./s3-request.ts";
import { readElement } from "./s3-xml.ts";

/** Returns the size. A failed multipart upload is taken back; one whose process died is for `removeUnfinished`. */
export async function upload(send: SendS3, key: string, source: AsyncIterable<Uint8Array>): Promise<{ sizeBytes: number }> {
  const parts = cut(source, limits.s3PartBytes);
  const first = await parts.next();
  const second = await parts.next();
  if (second.done !== true) return uploadParts(send, key, chain([first.value, second.value], parts));
  const body = first.value ?? Buffer.alloc(0);
  await (await send({ method: "PUT", key, body })).body.dump();
  return { sizeBytes: body.length };
}

async function uploadParts(send: SendS3, key: string, parts: AsyncIterable<Buffer>): Promise<{ sizeBytes: number }> {
  const begun = await readText(await send({ method: "POST", key, query: { uploads: "" } }));
  const uploadId = readElement(begun, "UploadId");
  try {
    const tags: string[] = [];
    let sizeBytes = 0;
    for await (const body of parts) {
      const query = { partNumber: String(tags.length + 1), uploadId };
      const answer = await send({ method: "PUT", key, query, body });
      await answer.body.dump();
      tags.push(String(answer.headers["etag"] ?? "").replaceAll('"', ""));
      sizeBytes += body.length;
    }
    await complete(send, key, { uploadId, tags, sizeBytes });
    return { sizeBytes };
  } catch (error) {
    await send({ method: "DELETE", key, query: { uploadId } }).then((answer) => answer.body.dump(), () => undefined);
    throw error;
  }
}

interface PartsSent {
  readonly uploadId: string;
  readonly tags: readonly string[];
  readonly sizeBytes: number;
}

/** A completion may answer 200 with an error inside, because the server begins its answer before it has done the work.
 *  Source: Amazon S3 API reference, CompleteMultipartUpload. */
async function complete(send: SendS3, key: string, { uploadId, tags, sizeBytes }: PartsSent): Promise<void> {
  const list = tags.map((tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>"${tag}"</ETag></Part>`);
  const body = Buffer.from(`<CompleteMultipartUpload>${list.join("")}</CompleteMultipartUpload>`);
  try {
    const text = await readText(await send({ method: "POST", key, query: { uploadId }, body }));
    if (!text.includes("<Error>")) return;
    const failure = { status: 200, s3Code: readElement(text, "Code"), message: readElement(text, "Message") };
    throw new S3Error(`the completion of ${key}`, failure);
  } catch (error) {
    // The answer to an earlier try was lost: the upload is gone because it was completed.
    const isDone = error instanceof S3Error && error.s3Code === "NoSuchUpload" && (await sizeOf(send, key)) === sizeBytes;
    if (!isDone) throw error;
  }
}

async function sizeOf(send: SendS3, key: string): Promise<number | undefined> {
  const answer = await send({ method: "HEAD", key }).catch(() => undefined);
  await answer?.body.dump();
  return answer && Number(answer.headers["content-length"]);
}

/** Buffers of exactly `partBytes`, the last one shorter; none for an empty source. */
async function* cut(source: AsyncIterable<Uint8Array>, partBytes: number): AsyncGenerator<Buffer, undefined> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of source) {
    let rest = chunk;
    while (heldBytes + rest.length >= partBytes) {
      const taken = rest.subarray(0, partBytes - heldBytes);
      yield Buffer.concat([...held, taken]);
      rest = rest.subarray(taken.length);
      held = [];
      heldBytes = 0;
    }
    if (rest.length > 0) held.push(rest);
    heldBytes += rest.length;
  }
  if (heldBytes > 0) yield Buffer.concat(held);
  return undefined;
}

async function* chain(first: readonly (Buffer | undefined)[], rest: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  for (const part of first) if (part) yield part;
  yield* rest;
}
