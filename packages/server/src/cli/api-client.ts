// Speaks to a server's HTTP API as a client of any language would: signed requests, the wire's envelope.

import { z } from "zod";

import { sign } from "../http/authenticate.ts";
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

/** The server understood the request and refused it. */
export class ApiRefusal extends Error {
  readonly httpStatus: number;

  constructor(httpStatus: number, message: string) {
    super(message);
    this.name = "ApiRefusal";
    this.httpStatus = httpStatus;
  }
}

export interface ApiClient {
  readonly baseUrl: string;
  /** Posts a JSON body to `path` (which starts with a slash) and returns the checked answer.
   *  Throws ApiRefusal with the server's own text, or COMMAND_FAILED when the server cannot be reached. */
  post<Answer>(path: string, body: unknown, schema: z.ZodType<Answer>): Promise<Answer>;
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
  return {
    baseUrl,
    async post(path, body, schema) {
      const headers = { ...authHeaders(credentials), "content-type": "application/json" };
      const response = await request(`${baseUrl}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
      const answer: unknown = await response.json().catch(() => undefined);
      const envelope = envelopeSchema.safeParse(answer);
      if (!envelope.success) throw new ApiRefusal(response.status, `${baseUrl} is no Atelier server (HTTP ${response.status})`);
      if (!envelope.data.result) {
        const texts = envelope.data.errors.map((error) => error.message);
        throw new ApiRefusal(response.status, texts.join("; ") || `HTTP ${response.status}`);
      }
      return schema.parse(answer);
    },
    async download(url) {
      const response = await request(url, { method: "GET" });
      if (!response.ok) throw new ApiRefusal(response.status, `${url} answered HTTP ${response.status}`);
      return Buffer.from(await response.arrayBuffer());
    },
  };
}

function authHeaders({ apiKey, apiSecret }: Credentials): Record<string, string> {
  if (apiSecret === null) return { "x-api-key": apiKey };
  const nonce = String(Date.now());
  return { "x-api-key": apiKey, "x-nonce": nonce, "x-signature": sign({ apiKey, apiSecret, nonce }) };
}

function unreachable(url: string, cause: unknown): OperatorError {
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
  return new OperatorError(
    "COMMAND_FAILED",
    { problem: `No server answers at ${new URL(url).origin}: ${reason}.`, remedy: "Start one with `npm start`." },
    { cause },
  );
}
