// Speaks to a server's HTTP API as a client of any language would: signed requests, the wire's envelope.

import { createHash, randomUUID } from "node:crypto";

import { z } from "zod";

import { sign } from "../http/authenticate.ts";
import { signV2 } from "../http/signature-v2.ts";
import { ask } from "./ask.ts";
import type { Answered } from "./ask.ts";

export interface Credentials {
  readonly apiKey: string;
  /** Null for key-only projects. */
  readonly apiSecret: string | null;
}

const envelopeSchema = z.looseObject({
  result: z.boolean(),
  errors: z.array(z.looseObject({ code: z.number(), message: z.string() })).default([]),
});

/** The server answered, and not with what was asked for: it refused the request, or has trouble of its own (5xx). */
export class ApiRefusal extends Error {
  readonly httpStatus: number;
  /** False when the answer is none of an Atelier server. */
  readonly isAtelier: boolean;
  /** When the server wants to be asked again; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;

  constructor({ status, headers }: Answered, message: string, { isAtelier = true } = {}) {
    super(message);
    this.name = "ApiRefusal";
    this.httpStatus = status;
    this.isAtelier = isAtelier;
    const seconds = Number(headers["retry-after"] ?? Number.NaN);
    this.retryAfterMs = seconds >= 0 ? seconds * 1000 : undefined;
  }
}

export interface ApiClient {
  readonly baseUrl: string;
  /** Posts a JSON body to `path` (which starts with a slash) and returns the checked answer.
   *  Throws ApiRefusal with the server's own text, or ServerAway when it cannot be reached. */
  post<Answer>(path: string, body: unknown, schema: z.ZodType<Answer>): Promise<Answer>;
  /** Uploads one file and returns the checked answer. Throws as `post` does. */
  upload<Answer>(file: { name: string; bytes: Uint8Array }, schema: z.ZodType<Answer>): Promise<Answer>;
  /** The bytes at an absolute URL. */
  download(url: string): Promise<Buffer>;
}

/** `baseUrl`: origin without a slash at the end. */
export function openApiClient(baseUrl: string, credentials: Credentials): ApiClient {
  const post = async <Answer>(path: string, { body, type }: { body: string | Buffer; type: string }, schema: z.ZodType<Answer>): Promise<Answer> => {
    const headers = { ...authHeaders(credentials, { target: path, body }), "content-type": type };
    const answered = await ask(`${baseUrl}${path}`, { method: "POST", headers, body });
    const answer = parseJson(answered.bytes);
    const envelope = envelopeSchema.safeParse(answer);
    if (!envelope.success) throw new ApiRefusal(answered, `${baseUrl} is no Atelier server (HTTP ${answered.status})`, { isAtelier: false });
    if (!envelope.data.result) {
      const texts = envelope.data.errors.map((error) => error.message);
      throw new ApiRefusal(answered, texts.join("; ") || `HTTP ${answered.status}`);
    }
    return schema.parse(answer);
  };
  return {
    baseUrl,
    post: (path, body, schema) => post(path, { body: JSON.stringify(body), type: "application/json" }, schema),
    async upload({ name, bytes }, schema) {
      const form = new FormData();
      form.append("file", new Blob([new Uint8Array(bytes)]), name);
      // The whole body: a project may ask for a signature of it.
      const encoded = new Response(form);
      const type = encoded.headers.get("content-type") ?? "";
      return post("/v1/File/Upload", { body: Buffer.from(await encoded.arrayBuffer()), type }, schema);
    },
    async download(url) {
      const answered = await ask(url, { method: "GET" });
      if (answered.status !== 200) throw new ApiRefusal(answered, `${url} answered HTTP ${answered.status}`);
      return answered.bytes;
    },
  };
}

/** Of a POST, in both forms: projects may ask for either. */
export function authHeaders({ apiKey, apiSecret }: Credentials, { target, body }: { target: string; body: string | Buffer }): Record<string, string> {
  if (apiSecret === null) return { "x-api-key": apiKey };
  const claim = { nonce: randomUUID(), signedAt: Math.floor(Date.now() / 1000), bodySha256: createHash("sha256").update(body).digest("hex") };
  return {
    "x-api-key": apiKey,
    "x-nonce": claim.nonce,
    "x-signature": sign({ apiKey, apiSecret, nonce: claim.nonce }),
    "x-timestamp": String(claim.signedAt),
    "x-content-sha256": claim.bodySha256,
    "x-signature-v2": signV2(apiSecret, { method: "POST", target }, claim),
  };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}
