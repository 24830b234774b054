// The API as the tools use it: requests of the same caller to the same server, past the same guards as any client's.

import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";

import { ApiFailure } from "@atelier/mcp/api";
import type { Api } from "@atelier/mcp/api";
import type { FastifyInstance, InjectOptions } from "fastify";
import { z } from "zod";

import { limits } from "../../limits.ts";
import { OutboundError } from "../../outbound/outbound-error.ts";
import { FormGate } from "../form-parts.ts";
import type { HttpDeps } from "../http-deps.ts";

export interface InjectedCaller {
  readonly headers: Readonly<Record<string, string>>;
  /** From where the caller has come, for the project's list of addresses and for the limits. */
  readonly address: string;
  readonly signal: AbortSignal;
}

const envelope = z.looseObject({ result: z.boolean(), errors: z.array(z.object({ message: z.string() })).default([]) });

/** `app`: the server itself. Files on their way in lie in `tempFolder`. */
export function openInjectedApi(app: FastifyInstance, { outbound, tempFolder }: Pick<HttpDeps, "outbound" | "tempFolder">) {
  const gate = new FormGate();
  return (caller: InjectedCaller): Api => {
    const ask = async <Answer>(options: InjectOptions, schema: z.ZodType<Answer>): Promise<Answer> => {
      const headers = { ...options.headers, ...caller.headers };
      const response = await app.inject({ ...options, method: "POST", headers, remoteAddress: caller.address });
      const answer: unknown = response.json();
      const { result, errors } = envelope.parse(answer);
      if (!result) throw new ApiFailure(errors.map(({ message }) => message).join("; "));
      return schema.parse(answer);
    };
    return {
      post: (url, body, schema) => ask({ url, payload: JSON.stringify(body), headers: { "content-type": "application/json" } }, schema),
      upload: ({ url, name }, schema) =>
        gate.pass(async () => {
          const path = join(tempFolder, `mcp-${randomUUID()}`);
          try {
            await outbound.download({ url, path, maxBytes: limits.outboundDownloadBytes, signal: caller.signal }).catch(asRefusal);
            return await ask({ url: "/v1/File/Upload", ...formOf(path, name ?? nameIn(url)) }, schema);
          } finally {
            await rm(path, { force: true });
          }
        }),
    };
  };
}

function asRefusal(error: unknown): never {
  throw error instanceof OutboundError ? new ApiFailure(`The file could not be fetched: ${error.message}`) : error;
}

function nameIn(url: string): string {
  return basename(new URL(url).pathname) || "file";
}

/** One part, streamed. In a name quotes and line ends are escaped as browsers do. */
function formOf(path: string, name: string): Pick<InjectOptions, "headers" | "payload"> {
  const boundary = randomUUID();
  const escaped = name.replaceAll(/["\r\n]/g, (character) => encodeURIComponent(character));
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${escaped}"\r\n\r\n`;
  const parts = async function* () {
    yield Buffer.from(head);
    yield* createReadStream(path);
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  };
  return { headers: { "content-type": `multipart/form-data; boundary=${boundary}` }, payload: Readable.from(parts()) };
}
