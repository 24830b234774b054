// Callers that were let in once and ask on by other requests of this process: what a tool of MCP asks has no signature of its own.

import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

import type { Caller } from "./http-deps.ts";

const headerName = "x-atelier-admitted";

/** By tickets that live as long as the request for which they were drawn, never leave this process and cannot be guessed. */
const admitted = new Map<string, Caller>();

export interface Admission {
  readonly headers: Readonly<Record<string, string>>;
  /** From now on the headers admit nobody. */
  end(): void;
}

export function admit(caller: Caller): Admission {
  const ticket = randomBytes(32).toString("hex");
  admitted.set(ticket, caller);
  return { headers: { [headerName]: ticket }, end: () => void admitted.delete(ticket) };
}

export function admittedCaller(headers: IncomingHttpHeaders): Caller | undefined {
  const ticket = headers[headerName];
  return typeof ticket === "string" ? admitted.get(ticket) : undefined;
}
