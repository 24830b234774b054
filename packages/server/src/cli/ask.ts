// One HTTP request of a command to its server, which ends in time, with an answer or with a failure that can be told.

import { once } from "node:events";
import { request as requestHttp } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { buffer } from "node:stream/consumers";

import { limits } from "../limits.ts";
import { OperatorError } from "../operator-error.ts";
import { sentence } from "../sentence.ts";

export interface Asked {
  readonly method: "GET" | "POST";
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** For the whole answer. Default: the limit. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
}

/** No answer came: the same request may succeed later. */
export class ServerAway extends OperatorError {}

/** Resolves with the whole answer, which may also break off, or never end: then it throws ServerAway. By node:http: Node 20's
 *  `fetch`, and undici's `request` without a dispatcher of its own, are undici 6 there, which compiles its parser when the first
 *  connection is open and does not notice one that is closed meanwhile: they never settle, and the process ends without a word. */
export async function ask(url: string, { method, headers = {}, body, timeoutMs = limits.clientRequestMs, signal }: Asked): Promise<Answered> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  const end = (): void => stop.abort(signal?.reason);
  if (signal?.aborted) end();
  signal?.addEventListener("abort", end, { once: true });
  try {
    const request = (url.startsWith("https:") ? requestHttps : requestHttp)(url, { method, headers, signal: stop.signal });
    request.end(body);
    // `response` brings its message.
    const [response] = (await once(request, "response")) as [IncomingMessage];
    // What happens from here on, the answer's own stream tells, too.
    request.on("error", () => undefined);
    return { status: response.statusCode ?? 0, headers: response.headers, bytes: await buffer(response) };
  } catch (cause) {
    throw unreachable(url, stop.signal.aborted ? stop.signal.reason : cause);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

function unreachable(url: string, cause: unknown): ServerAway {
  const problem = sentence(`No server answers at ${new URL(url).origin}: ${reasonOf(cause)}`);
  return new ServerAway("COMMAND_FAILED", { problem, remedy: "Start one with `npm start`, or name another with --url." }, { cause });
}

/** Where a name has several addresses, the failure of each. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}
