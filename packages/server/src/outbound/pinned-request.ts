// One HTTP request to an address that was checked before. Follows nothing, reuses nothing, reads no proxy variable.

import { isIP } from "node:net";
import type { LookupFunction } from "node:net";

import { Client } from "undici";
import type { Dispatcher } from "undici";

import { limits } from "../limits.ts";
import type { Target } from "./check-target.ts";
import { OutboundError } from "./outbound-error.ts";

export interface PinnedRequest {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
  readonly signal: AbortSignal;
  /** Certificate authorities to trust instead of the system's. */
  readonly ca?: string | undefined;
}

/** Sends the request and gives the answer's head to `read`, with the body as a stream. The connection ends with it. Throws
 *  what `read` throws, `signal.reason` when aborted, and an OutboundError for everything between the two hosts. */
export async function sendPinned<Result>(
  target: Target,
  request: PinnedRequest,
  read: (answer: Dispatcher.ResponseData) => Promise<Result>,
): Promise<Result> {
  const { method, headers, body, signal, ca } = request;
  const client = new Client(target.url.origin, {
    connect: {
      lookup: pinnedLookup(target.addresses),
      autoSelectFamily: true,
      // Explicit: NODE_TLS_REJECT_UNAUTHORIZED=0 would switch it off.
      rejectUnauthorized: true,
      ...(ca === undefined ? {} : { ca }),
    },
    maxHeaderSize: limits.outboundHeaderBytes,
    // The signal bounds the whole; these would bound its parts.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  try {
    const path = `${target.url.pathname}${target.url.search}`;
    const answer = await client.request({ path, method, headers, body: body ?? null, signal });
    // What is left of the body when the connection is cut is nobody's failure.
    answer.body.on("error", () => undefined);
    return await read(answer);
  } catch (error) {
    throw signal.aborted ? signal.reason : asOutboundError(error);
  } finally {
    await client.destroy();
  }
}

/** Answers with the checked addresses, whatever name is asked. Not called for address literals: those were checked as they
 *  stand in the URL. */
function pinnedLookup(addresses: readonly string[]): LookupFunction {
  const answers = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_name, options, callback) => {
    const [first] = answers;
    if (options.all || !first) callback(null, answers);
    else callback(null, first.address, first.family);
  };
}

const connectCodes = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EADDRNOTAVAIL|EACCES|EPERM|UND_ERR_CONNECT_TIMEOUT)$/;
const tlsCodes = /^(ERR_TLS_|ERR_SSL_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/;
const answerCodes = /^(HPE_|UND_ERR_HEADERS_OVERFLOW|UND_ERR_RES)/;

function asOutboundError(error: unknown): unknown {
  if (error instanceof OutboundError || !(error instanceof Error)) return error;
  // undici's error for what is no HTTP at all has a name and no code.
  const code = error.name === "HTTPParserError" ? "HPE_" : (error as NodeJS.ErrnoException).code;
  if (code === undefined || code === "UND_ERR_INVALID_ARG") return error;
  if (connectCodes.test(code)) return new OutboundError("connect-failed", { cause: error });
  if (tlsCodes.test(code)) return new OutboundError("tls-failed", { cause: error });
  if (answerCodes.test(code)) return new OutboundError("response-invalid", { cause: error });
  if (/^(ECONNRESET|EPIPE|UND_ERR_)/.test(code)) return new OutboundError("connection-lost", { cause: error });
  return error;
}
