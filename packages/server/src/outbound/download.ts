// Streams a file from an address that a caller gave, hop by hop, never more of it than agreed.

import { open, rm } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { Dispatcher } from "undici";

import { limits } from "../limits.ts";
import { checkTarget } from "./check-target.ts";
import type { TargetRules } from "./check-target.ts";
import { OutboundError } from "./outbound-error.ts";
import { sendPinned } from "./pinned-request.ts";

export interface DownloadRequest {
  readonly url: string;
  /** Where the bytes go; must not exist yet. */
  readonly path: string;
  /** Default: the limit. */
  readonly maxBytes?: number | undefined;
  /** For everything together, redirects included. Default: the limit. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DownloadedFile {
  readonly sizeBytes: number;
  /** As the host labels it, or "": a claim, to be checked by the bytes. */
  readonly contentType: string;
  /** Where the bytes came from, after redirects. */
  readonly url: string;
}

export async function download(
  { rules, ca }: { rules: TargetRules; ca: string | undefined },
  request: DownloadRequest & { signal: AbortSignal },
): Promise<DownloadedFile> {
  const { path, signal, maxBytes = limits.outboundDownloadBytes } = request;
  let url = request.url;
  for (let hops = 0; hops <= limits.outboundRedirects; hops += 1) {
    const target = await checkTarget(rules, url, signal);
    // Unpacking is not this room's: a packed body could be a thousand times as large as it says.
    const headers = { "user-agent": "Atelier", accept: "*/*", "accept-encoding": "identity" };
    const outcome = await sendPinned(target, { method: "GET", headers, signal, ca }, async (answer) => {
      const next = locationOf(answer, target.url);
      if (next !== undefined) return { next };
      return { sizeBytes: await store(answer, { path, maxBytes }), contentType: headerOf(answer, "content-type") };
    });
    if (outcome.next === undefined) return { ...outcome, url: target.url.href };
    url = outcome.next;
  }
  throw new OutboundError("redirect-limit");
}

function locationOf({ statusCode: status, headers }: Dispatcher.ResponseData, from: URL): string | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined;
  const { location } = headers;
  if (typeof location !== "string" || !URL.canParse(location, from.href)) throw new OutboundError("response-invalid", { status });
  return new URL(location, from).href;
}

async function store(answer: Dispatcher.ResponseData, { path, maxBytes }: { path: string; maxBytes: number }): Promise<number> {
  const { statusCode: status, body } = answer;
  if (status !== 200) throw new OutboundError("http-status", { status });
  if (!["", "identity"].includes(headerOf(answer, "content-encoding"))) throw new OutboundError("response-invalid", { status });
  if (Number(headerOf(answer, "content-length")) > maxBytes) throw new OutboundError("too-large", { status });
  let sizeBytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) done(new OutboundError("too-large", { status }));
      else done(null, chunk);
    },
  });
  const file = await open(path, "wx");
  try {
    await pipeline(body, count, file.createWriteStream());
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return sizeBytes;
}

function headerOf({ headers }: Dispatcher.ResponseData, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : "";
}
