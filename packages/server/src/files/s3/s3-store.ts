// Keeps files on an S3 server, so that any number of machines share them.

import { createReadStream } from "node:fs";
import { Readable } from "node:stream";

import type { S3Settings } from "../../config/s3-settings.ts";
import { limits } from "../../limits.ts";
import { OperatorError } from "../../operator-error.ts";
import { assertFileKey, isFileKey } from "../file-store.ts";
import type { FileStore, StoredFile } from "../file-store.ts";
import { openS3Sender, readText, S3Error } from "./s3-request.ts";
import type { S3Request, SendS3 } from "./s3-request.ts";
import { upload } from "./s3-upload.ts";
import { readElement, readElements } from "./s3-xml.ts";

/** A file store in a bucket of its own: what else lies there may be taken for abandoned and removed. */
export function openS3Store(settings: S3Settings): FileStore {
  const send = openS3Sender(settings);
  return {
    async put(key, source) {
      assertFileKey(key);
      return upload(send, key, typeof source === "string" ? createReadStream(source) : source);
    },
    open: (key, range) => openObject(send, key, range),
    async remove(key) {
      assertFileKey(key);
      await sendUnlessMissing(send, { method: "DELETE", key });
    },
    list: () => listObjects(send),
    removeUnfinished: (before) => abortUploads(send, before),
  };
}

/** Makes sure at start that the bucket can be used. Throws FILE_STORE_UNREACHABLE or FILE_STORE_REFUSED. */
export async function checkS3(settings: S3Settings): Promise<void> {
  try {
    await readText(await openS3Sender(settings)({ method: "GET", key: "", query: { "list-type": "2", "max-keys": "1" } }));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const place = `The bucket ${settings.bucket} at ${settings.endpoint}`;
    if (!(cause instanceof S3Error) || cause.status >= 500) {
      const remedy = "Check S3_ENDPOINT and that the S3 server runs.";
      throw new OperatorError("FILE_STORE_UNREACHABLE", { problem: `${place} cannot be reached: ${reason}.`, remedy }, { cause });
    }
    const remedy =
      cause.status === 404
        ? "Make that bucket, empty and for Atelier alone, or correct S3_BUCKET."
        : "Check S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_REGION and this machine's clock.";
    throw new OperatorError("FILE_STORE_REFUSED", { problem: `${place} cannot be used: ${reason}.`, remedy }, { cause });
  }
}

async function openObject(
  send: SendS3,
  key: string,
  range: { start: number; end: number } | undefined,
): Promise<{ stream: Readable; sizeBytes: number } | undefined> {
  assertFileKey(key);
  const headers = range && { range: `bytes=${range.start}-${range.end}` };
  const answer = await sendUnlessMissing(send, { method: "GET", key, ...(headers && { headers }) }).catch(async (error: unknown) => {
    // A range behind the end holds no bytes, as on a disk.
    if (error instanceof S3Error && error.status === 416) return "empty" as const;
    throw error;
  });
  if (answer === "empty") {
    const whole = await sendUnlessMissing(send, { method: "HEAD", key });
    await whole?.body.dump();
    return whole && { stream: Readable.from([]), sizeBytes: Number(whole.headers["content-length"]) };
  }
  if (!answer) return undefined;
  const total = /\/(\d+)$/.exec(String(answer.headers["content-range"] ?? ""))?.[1];
  return { stream: answer.body, sizeBytes: Number(total ?? answer.headers["content-length"]) };
}

async function* listObjects(send: SendS3): AsyncIterable<readonly StoredFile[]> {
  const first = { "list-type": "2", "max-keys": String(limits.fileListPage) };
  for (let query: Record<string, string> | undefined = first; query; ) {
    const xml: string = await readText(await send({ method: "GET", key: "", query }));
    const page = readElements(xml, "Contents").map((content) => ({
      key: readElement(content, "Key"),
      sizeBytes: Number(readElement(content, "Size")),
      storedAt: new Date(readElement(content, "LastModified")),
    }));
    yield page.filter((file) => isFileKey(file.key));
    const token: string = readElement(xml, "NextContinuationToken");
    query = token === "" ? undefined : { ...first, "continuation-token": token };
  }
}

async function abortUploads(send: SendS3, before: Date): Promise<number> {
  let aborted = 0;
  for (let query: Record<string, string> | undefined = { uploads: "" }; query; ) {
    const xml: string = await readText(await send({ method: "GET", key: "", query }));
    for (const found of readElements(xml, "Upload")) {
      const key = readElement(found, "Key");
      if (!(new Date(readElement(found, "Initiated")) < before) || !isFileKey(key)) continue;
      await sendUnlessMissing(send, { method: "DELETE", key, query: { uploadId: readElement(found, "UploadId") } });
      aborted += 1;
    }
    const isMore: boolean = readElement(xml, "IsTruncated") === "true";
    const markers = { "key-marker": readElement(xml, "NextKeyMarker"), "upload-id-marker": readElement(xml, "NextUploadIdMarker") };
    query = isMore ? { uploads: "", ...markers } : undefined;
  }
  return aborted;
}

/** The answer, or undefined when what was asked for is not there. The body of an answer without content is done with. */
async function sendUnlessMissing(send: SendS3, wanted: S3Request) {
  try {
    const answer = await send(wanted);
    if (wanted.method === "DELETE") await answer.body.dump();
    return answer;
  } catch (error) {
    const isMissing = error instanceof S3Error && error.status === 404 && error.s3Code !== "NoSuchBucket";
    if (isMissing) return undefined;
    throw error;
  }
}
