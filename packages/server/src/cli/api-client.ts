// Speaks to a server's HTTP API as a client of any language would: signed requests, the wire's envelope.

import { createHash, randomUUID } from "node:crypto";

import { z } from "zod";

import { sign } from "../http/authenticate.ts";
import { signV2 } from "../http/signature-v2.ts";
import { limits } from "../limits.ts";
import { OperatorError } from "../operator-error.ts";

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
  /** When the server wants to be asked again; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(response: Response, message: string) {
    super(message);
    this.name = "ApiRefusal";
    this.httpStatus = response.status;
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    this.retryAfterMs = seconds >= 0 ? seconds * 1000 : undefined;
  }
}

/** No answer came: the same request may succeed later. */
export class ServerAway extends OperatorError {}

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
  const request = async (url: string, init: RequestInit): Promise<Response> => {
    const signal = AbortSignal.timeout(limits.clientRequestMs);
    return fetch(url, { ...init, signal }).catch((cause: unknown) => {
      throw unreachable(url, cause);
    });
  };
  const post = async <Answer>(path: string, { body, type }: { body: string | Buffer; type: string }, schema: z.ZodType<Answer>): Promise<Answer> => {
    const headers = { ...authHeaders(credentials, { target: path, body }), "content-type": type };
    const response = await request(`${baseUrl}${path}`, { method: "POST", headers, body: typeof body === "string" ? body : new Uint8Array(body) });
    const answer = parseJson(await bodyOf(response));
    const envelope = envelopeSchema.safeParse(answer);
    if (!envelope.success) throw new ApiRefusal(response, `${baseUrl} is no Atelier server (HTTP ${response.status})`);
    if (!envelope.data.result) {
      const texts = envelope.data.errors.map((error) => error.message);
      throw new ApiRefusal(response, texts.join("; ") || `HTTP ${response.status}`);
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
      const response = await request(url, { method: "GET" });
      if (!response.ok) throw new ApiRefusal(response, `${url} answered HTTP ${response.status}`);
      return bodyOf(response);
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

/** An answer may also break off, or never end. */
async function bodyOf(response: Response): Promise<Buffer> {
  const bytes = await response.arrayBuffer().catch((cause: unknown) => {
    throw unreachable(response.url, cause);
  });
  return Buffer.from(bytes);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

function unreachable(url: string, cause: unknown): ServerAway {
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
  return new ServerAway(
    "COMMAND_FAILED",
    { problem: `No server answers at ${new URL(url).origin}: ${reason}.`, remedy: "Start one with `npm start`." },
    { cause },
  );
}
