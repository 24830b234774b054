// Finds out which project a request comes from, by its key and signature (docs/wire-contract.md, "Authentication").

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

import { AtelierError } from "../errors.ts";
import type { Caller, HttpDeps } from "./http-deps.ts";

/** Signed with when the key is unknown, so that an unknown key takes as long as a wrong signature. */
const absentSecret = "no project has this secret";

/** Returns the calling project.
 *  Throws AUTH_KEY_UNKNOWN, AUTH_SIGNATURE_MISSING or AUTH_SIGNATURE_INVALID. */
export async function authenticate(
  deps: Pick<HttpDeps, "projects">,
  headers: IncomingHttpHeaders,
): Promise<Caller> {
  const apiKey = textOf(headers["x-api-key"]);
  const nonce = textOf(headers["x-nonce"]);
  const signature = textOf(headers["x-signature"]);
  const found = isPlausibleKey(apiKey) ? await deps.projects.findByKey(apiKey) : undefined;
  const expected = sign({ apiKey, apiSecret: found?.secret ?? absentSecret, nonce });
  const isSigned = isEqual(digestIn(signature), expected);
  if (!found) throw new AtelierError("AUTH_KEY_UNKNOWN");
  if (found.project.auth === "key") return found.project;
  if (nonce === "" || signature === "") throw new AtelierError("AUTH_SIGNATURE_MISSING");
  if (found.secret === null || !isSigned) throw new AtelierError("AUTH_SIGNATURE_INVALID");
  return found.project;
}

/** The signature of a request: lowercase hex HMAC-SHA256, keyed by the *key*, over secret and nonce joined. Method, path and
 *  body are not covered, and a nonce may be used again: clients reuse it for many requests. */
export function sign(parts: { apiKey: string; apiSecret: string; nonce: string }): string {
  const message = Buffer.concat([Buffer.from(parts.apiSecret, "utf8"), wireBytes(parts.nonce)]);
  return createHmac("sha256", wireBytes(parts.apiKey)).update(message).digest("hex");
}

/** The hex digest inside a signature header. `openssl dgst` prints `SHA2-256(stdin)= <hex>`, and scripts send that whole
 *  line, so the last word counts. */
function digestIn(signature: string): string {
  return (signature.trim().split(/\s+/).at(-1) ?? "").toLowerCase();
}

/** Compares in a time that does not depend on the contents or on the length of `given`. */
function isEqual(given: string, expected: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}

/** Node reads header bytes as Latin-1; this gives back the bytes that were sent. */
function wireBytes(header: string): Buffer {
  return Buffer.from(header, "latin1");
}

function isPlausibleKey(apiKey: string): boolean {
  return /^[\x21-\x7e]{1,256}$/.test(apiKey);
}

function textOf(header: string | string[] | undefined): string {
  return typeof header === "string" ? header.trim() : "";
}
