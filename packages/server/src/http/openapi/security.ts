// The ways to prove who calls (docs/wire-contract.md, "Authentication"), as OpenAPI names them.

import type { Access } from "./operation.ts";

const header = (name: string, description: string) => ({ type: "apiKey", in: "header", name, description });

export const securitySchemes = Object.freeze({
  apiKey: header("x-api-key", "The project's key."),
  nonce: header("x-nonce", "Any text; it may be used again."),
  signature: header("x-signature", "hex(HMAC-SHA256(key = API_KEY, message = API_SECRET + NONCE))"),
  signatureV2: header("x-signature-v2", "The stricter signature; x-timestamp and x-content-sha256 come with it."),
  timestamp: header("x-timestamp", "Unix time of a signature v2."),
  workerToken: { type: "http", scheme: "bearer", description: "Of `atelier worker-token create`." },
  contentSha256: header("x-content-sha256", "SHA-256 of the body, of a signature v2."),
});

const signedV2 = { apiKey: [], nonce: [], signatureV2: [], timestamp: [], contentSha256: [] };
const signed = { apiKey: [], nonce: [], signature: [] };
const keyOnly = { apiKey: [] };

/** Alternatives, any of which is enough. */
export const securityOf: Readonly<Record<Access, readonly object[]>> = Object.freeze({
  project: [signed, signedV2, keyOnly],
  optional: [signed, signedV2, keyOnly, {}],
  open: [],
  worker: [{ workerToken: [] }],
});
