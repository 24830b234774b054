// Reads the fields of a request's body by looking at its bytes, because content types lie (docs/wire-contract.md, "Bodies").

import type { IncomingMessage } from "node:http";

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import { parseFormBody } from "./form-body.ts";
import { parseJsonBody } from "./json-body.ts";
import { parseMultipartBody } from "./multipart-body.ts";
import { bodyOf } from "./signed-body.ts";

/** Field names to raw values, without a prototype: any name is safe to look up. A repeated form key is a list. */
export type Fields = Readonly<Record<string, unknown>>;

/** Reads the whole body, at most `largestBytes` of it. Compressed bodies are not accepted.
 *  Throws BODY_TOO_LARGE or BODY_INVALID. */
export async function readFields(
  request: IncomingMessage,
  contentType: string,
  largestBytes: number = limits.bodyBytes,
): Promise<Fields> {
  return parseFields(await readBody(request, largestBytes), contentType);
}

/** The whole body as it came. Throws BODY_TOO_LARGE or BODY_INVALID. */
export async function readBody(request: IncomingMessage, largestBytes: number = limits.bodyBytes): Promise<Buffer> {
  refuseEncoded(request);
  return readBytes(request, largestBytes);
}

/** A packed body could be a thousand times as large as it says. Throws BODY_INVALID. */
export function refuseEncoded(request: IncomingMessage): void {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== "identity") throw new AtelierError("BODY_INVALID");
}

/** If the first byte that is not space is `{`, the body is JSON whatever the label says; otherwise the label decides. An
 *  empty body has no fields. Throws BODY_INVALID. */
export async function parseFields(bytes: Buffer, contentType: string): Promise<Fields> {
  const first = firstByte(bytes);
  if (first === undefined) return fieldsFrom([]);
  if (first === openingBrace) return parseJsonBody(bytes);
  const mediaType = contentType.split(";", 1)[0]?.trim().toLowerCase();
  if (mediaType === "application/x-www-form-urlencoded") return fieldsFrom(parseFormBody(bytes));
  if (mediaType === "multipart/form-data") return fieldsFrom(await parseMultipartBody(bytes, contentType));
  throw new AtelierError("BODY_INVALID");
}

export const openingBrace = 0x7b;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** The first byte that is not white space, after an optional byte order mark. */
export function firstByte(bytes: Buffer): number | undefined {
  const start = bytes.subarray(0, 3).equals(byteOrderMark) ? 3 : 0;
  return bytes.subarray(start).find((byte) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d));
}

/** A repeated name becomes a list. */
export function fieldsFrom(pairs: Iterable<readonly [string, string]>): Fields {
  const fields: Record<string, unknown> = Object.create(null);
  for (const [name, value] of pairs) {
    const earlier = fields[name];
    if (earlier === undefined) fields[name] = value;
    else if (Array.isArray(earlier)) earlier.push(value);
    else fields[name] = [earlier, value];
  }
  return fields;
}

/** Collects the body. When it is too large the rest is thrown away as it arrives: curl sends all of it before it reads the
 *  answer, and would wait for ever for a server that stops reading. `limits.requestMs` bounds how long that can go on.
 *  A body that trickles in for longer than `limits.bodyMs` is refused. */
function readBytes(request: IncomingMessage, largestBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers["content-length"] ?? 0) > largestBytes) {
      reject(new AtelierError("BODY_TOO_LARGE"));
      return;
    }
    const body = bodyOf(request);
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const timer = setTimeout(() => {
      stop();
      request.resume();
      reject(new AtelierError("BODY_INVALID"));
    }, limits.bodyMs);
    const stop = (): void => {
      clearTimeout(timer);
      body.off("data", onData).off("end", onEnd).off("error", onBreak).off("close", onBreak);
    };
    const onData = (chunk: Buffer): void => {
      sizeBytes += chunk.length;
      chunks.push(chunk);
      if (sizeBytes <= largestBytes) return;
      stop();
      body.resume();
      reject(new AtelierError("BODY_TOO_LARGE"));
    };
    const onEnd = (): void => {
      stop();
      resolve(Buffer.concat(chunks, sizeBytes));
    };
    const onBreak = (error?: Error): void => {
      stop();
      reject(error instanceof AtelierError ? error : new AtelierError("BODY_INVALID"));
    };
    body.on("data", onData).on("end", onEnd).on("error", onBreak).on("close", onBreak);
  });
}
