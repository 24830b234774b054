// One signed request to an S3 server, tried again while that can help. Bodies are whole buffers, so each try is the same.

import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { AwsV4Signer } from "aws4fetch";
import { Agent, request } from "undici";
import type { Dispatcher } from "undici";

import type { S3Settings } from "../../config/s3-settings.ts";
import { limits } from "../../limits.ts";
import { readElement } from "./s3-xml.ts";

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** "" for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** What the S3 server answered instead of doing it. Holds no key and no signature. */
export class S3Error extends Error {
  readonly status: number;
  /** S3's own code, e.g. `NoSuchKey`; "" when there was none. */
  readonly s3Code: string;

  constructor(what: string, answer: { status: number; s3Code: string; message: string }) {
    super(`the S3 server answered ${what} with ${answer.status} ${answer.s3Code}: ${answer.message}`.trim());
    this.name = "S3Error";
    this.status = answer.status;
    this.s3Code = answer.s3Code;
  }
}

export type SendS3 = (request: S3Request) => Promise<Dispatcher.ResponseData>;

/** Sends requests, signed with version 4. Resolves with answers below 300, whose bodies the caller must read or discard;
 *  throws S3Error for others, and what the network said when the server stays away. */
export function openS3Sender(settings: S3Settings): SendS3 {
  const dispatcher = new Agent({
    connections: limits.s3Connections,
    connect: { timeout: limits.s3ConnectMs },
    headersTimeout: limits.s3AnswerMs,
    bodyTimeout: limits.s3AnswerMs,
  });
  return async (wanted) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await sendOnce(settings, wanted, dispatcher);
      } catch (error) {
        if (attempt >= limits.s3Tries || !mayPass(error)) throw error;
      }
      await delay(limits.s3RetryMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
    }
  };
}

async function sendOnce(settings: S3Settings, wanted: S3Request, dispatcher: Dispatcher): Promise<Dispatcher.ResponseData> {
  const { method, body } = wanted;
  const { url, headers } = await new AwsV4Signer({
    method,
    url: addressOf(settings, wanted),
    headers: { ...wanted.headers, "x-amz-content-sha256": createHash("sha256").update(body ?? "").digest("hex") },
    accessKeyId: settings.accessKeyId,
    secretAccessKey: settings.secretAccessKey,
    region: settings.region,
    service: "s3",
  }).sign();
  const answer = await request(url, { method, headers: Object.fromEntries(headers), body: body ?? null, dispatcher });
  // What is left of a body that nobody reads is nobody's failure.
  answer.body.on("error", () => undefined);
  if (answer.statusCode < 300) return answer;
  const text = await readText(answer);
  const failure = { status: answer.statusCode, s3Code: readElement(text, "Code"), message: readElement(text, "Message") };
  throw new S3Error(`${method} ${wanted.key === "" ? "of the bucket" : wanted.key}`, failure);
}

/** The bucket in the path, not in the host name: every S3 server understands that. */
function addressOf({ endpoint, bucket }: S3Settings, { key, query }: S3Request): string {
  const url = new URL(`${endpoint}/${bucket}${key === "" ? "" : `/${key}`}`);
  for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
  return url.href;
}

/** A whole answer, which for everything but a file is small. */
export async function readText(answer: Dispatcher.ResponseData): Promise<string> {
  let text = "";
  for await (const chunk of answer.body) {
    text += String(chunk);
    if (text.length > limits.s3AnswerCharacters) throw new Error("the S3 server's answer is longer than any should be");
  }
  return text;
}

/** True when the server was away or busy: everything sent here may be sent twice. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof S3Error)) return true;
  return error.status >= 500 || error.status === 429 || error.s3Code === "RequestTimeout";
}
