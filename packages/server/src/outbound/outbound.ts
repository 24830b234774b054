// The one door through which the server speaks to addresses that callers give it: callbacks and input files.

import { limits } from "../limits.ts";
import { parseAllowList } from "./allow-list.ts";
import { checkTarget } from "./check-target.ts";
import type { TargetRules } from "./check-target.ts";
import { download } from "./download.ts";
import type { DownloadedFile, DownloadRequest } from "./download.ts";
import { OutboundError } from "./outbound-error.ts";
import { sendPinned } from "./pinned-request.ts";
import { resolveListedName, resolvePublicName } from "./resolve-name.ts";
import type { ResolveName } from "./resolve-name.ts";

export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** For the whole request, name lookup included. Default: the limit. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Outbound {
  /** Posts and gives the status of the answer, 2xx; its body is not read. Redirects are refused. Throws OutboundError. */
  post(request: PostRequest): Promise<{ status: number }>;
  /** Streams a file to disk, following a limited number of redirects, each checked like the first address.
   *  Throws OutboundError; nothing is left of a file that did not arrive whole. */
  download(request: DownloadRequest): Promise<DownloadedFile>;
}

export interface OutboundOptions {
  /** Hosts and networks that may be reached though they are not public. Default: none. */
  readonly allow?: readonly string[];
  /** Replaces both ways of resolving names. */
  readonly resolveName?: ResolveName;
  /** Certificate authorities (PEM) to trust instead of the system's. */
  readonly ca?: string;
}

/** Throws CONFIG_INVALID for a bad entry of `allow`. */
export function openOutbound(options: OutboundOptions = {}): Outbound {
  const rules: TargetRules = {
    allow: parseAllowList(options.allow ?? []),
    resolvePublicName: options.resolveName ?? resolvePublicName,
    resolveListedName: options.resolveName ?? resolveListedName,
  };
  const { ca } = options;
  return {
    post: (request) =>
      withTimeLimit(request, limits.outboundPostMs, (signal) => post({ rules, ca }, { ...request, signal })),
    download: (request) =>
      withTimeLimit(request, limits.outboundDownloadMs, (signal) => download({ rules, ca }, { ...request, signal })),
  };
}

async function post(
  { rules, ca }: { rules: TargetRules; ca: string | undefined },
  { url, headers, body, signal }: PostRequest & { signal: AbortSignal },
): Promise<{ status: number }> {
  const target = await checkTarget(rules, url, signal);
  return sendPinned(target, { method: "POST", headers, body, signal, ca }, async ({ statusCode: status }) => {
    if (status >= 300 && status < 400) throw new OutboundError("redirect-refused", { status });
    if (status < 200 || status >= 300) throw new OutboundError("http-status", { status });
    return { status };
  });
}

async function withTimeLimit<Result>(
  request: { readonly timeoutMs?: number | undefined; readonly signal?: AbortSignal | undefined },
  limitMs: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const stop = (): void => controller.abort(new OutboundError("stopped"));
  const timer = setTimeout(() => controller.abort(new OutboundError("timed-out")), request.timeoutMs ?? limitMs);
  request.signal?.addEventListener("abort", stop, { once: true });
  if (request.signal?.aborted) stop();
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener("abort", stop);
  }
}
