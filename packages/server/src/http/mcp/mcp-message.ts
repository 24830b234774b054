// Reads one message of MCP. What is none is answered in JSON-RPC's own words (JSON-RPC 2.0, section 5.1), not in the wire's envelope.

import type { IncomingMessage } from "node:http";

import { AtelierError } from "../../errors.ts";
import { readBody } from "../body.ts";
import { parseJson } from "../json-body.ts";

/** Whatever the bytes say in JSON; undefined where they are none. Throws what is not about the bytes, like AUTH_BODY_CHANGED. */
export async function readMessage(request: IncomingMessage): Promise<unknown> {
  try {
    return parseJson(await readBody(request));
  } catch (error) {
    if (error instanceof AtelierError && error.code.startsWith("BODY_")) return undefined;
    throw error;
  }
}
