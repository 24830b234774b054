// The second form of signature, which covers method, path, time, nonce and body (docs/signature-v2.md).

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** What a request says for itself. */
export interface SignatureV2Claim {
  /** Unix seconds. */
  readonly signedAt: number;
  readonly nonce: string;
  /** SHA-256 of the body, lowercase hex. */
  readonly bodySha256: string;
  readonly signature: string;
}

export interface SignedRequest {
  readonly method: string;
  /** Path and query as they stand in the request line. */
  readonly target: string;
}

/** Undefined when the request has no signature of this form; "malformed" when a part is missing or no such thing. */
export function readSignatureV2(headers: IncomingHttpHeaders): SignatureV2Claim | "malformed" | undefined {
  const text = (name: string): string => (typeof headers[name] === "string" ? headers[name].trim() : "");
  const given = text("x-signature-v2");
  if (given === "") return undefined;
  // As in the first form, scripts may send the whole line that `openssl dgst` prints.
  const signature = (given.split(/\s+/).at(-1) ?? "").toLowerCase();
  const [time, nonce, bodySha256] = [text("x-timestamp"), text("x-nonce"), text("x-content-sha256").toLowerCase()];
  const isWhole = /^\d{10}$/.test(time) && /^[\x21-\x7e]{16,128}$/.test(nonce) && /^[0-9a-f]{64}$/.test(bodySha256);
  if (!isWhole) return "malformed";
  return { signedAt: Number(time), nonce, bodySha256, signature };
}

/** Lowercase hex HMAC-SHA256 under the secret, over six lines that no part can break out of: none may hold a line feed. */
export function signV2(
  apiSecret: string,
  request: SignedRequest,
  claim: Pick<SignatureV2Claim, "signedAt" | "nonce" | "bodySha256">,
): string {
  const lines = ["atelier-v2", request.method, request.target, claim.signedAt, claim.nonce, claim.bodySha256];
  return createHmac("sha256", Buffer.from(apiSecret, "utf8")).update(lines.join("\n")).digest("hex");
}

/** Whether one of the secrets has signed. Takes the same time for any number of them and any signature. */
export function isSignedV2(secrets: readonly [string, string], request: SignedRequest, claim: SignatureV2Claim): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  const matches = secrets.map((secret) => timingSafeEqual(hash(signV2(secret, request, claim)), hash(claim.signature)));
  return matches.includes(true);
}
