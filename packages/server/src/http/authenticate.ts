// Finds out which project a request comes from, by its key and signature (docs/wire-contract.md, "Authentication").

import { createHmac, hash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

import type { FastifyRequest } from "fastify";

import { openRanges } from "../address-range.ts";
import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { FoundKey } from "../projects/find-project.ts";
import { admittedCaller } from "./admitted-callers.ts";
import type { Caller, HttpDeps } from "./http-deps.ts";
import { isSignedV2, readSignatureV2 } from "./signature-v2.ts";
import type { SignatureV2Claim } from "./signature-v2.ts";
import { expectBody } from "./signed-body.ts";
import { visitOf } from "./visit.ts";

type AuthDeps = Pick<HttpDeps, "projects">;

/** Returns the calling project.
 *  Throws AUTH_KEY_UNKNOWN, AUTH_SIGNATURE_MISSING, AUTH_SIGNATURE_INVALID, AUTH_STRICT_SIGNATURE_REQUIRED,
 *  AUTH_TIME_INVALID, AUTH_REPLAYED, AUTH_ADDRESS_REFUSED or RATE_LIMITED. */
export async function authenticate(deps: AuthDeps, request: FastifyRequest): Promise<Caller> {
  const visit = visitOf(request);
  const apiKey = textOf(request.headers["x-api-key"]);
  const admitted = admittedCaller(request.headers);
  if (admitted) {
    visit.prove();
    return admitted;
  }
  const found = isPlausibleKey(apiKey) ? await deps.projects.findByKey(apiKey) : undefined;
  const proof = readProof(request, apiKey, found?.secrets ?? []);
  try {
    checkProof(found, proof);
  } catch (error) {
    visit.refuse();
    throw error;
  }
  return admitCaller(deps, request, { found, claim: proof.claim });
}

/** What every credential has to pass once it is proved: the project's addresses, its share of requests, and for a signed
 *  request that nobody has sent it before. */
async function admitCaller(
  deps: AuthDeps,
  request: FastifyRequest,
  { found, claim }: { found: FoundKey; claim: SignatureV2Claim | undefined },
): Promise<Caller> {
  const visit = visitOf(request);
  if (found.allowedAddresses.length > 0 && !openRanges(found.allowedAddresses)(visit.address)) {
    visit.refuse();
    throw new AtelierError("AUTH_ADDRESS_REFUSED", { ip: visit.address });
  }
  visit.prove();
  if (claim && found.signatureV2 !== "off" && found.project.auth === "signature") {
    visit.spendNonce();
    await useOnce(deps, found.keyId, claim);
    expectBody(request.raw, claim.bodySha256);
  }
  return found.project;
}

async function useOnce(deps: AuthDeps, keyId: string, { nonce, signedAt }: SignatureV2Claim): Promise<void> {
  const windowSeconds = limits.signatureWindowMs / 1000;
  const use = await deps.projects.useNonce({ keyId, nonce, signedAt, windowSeconds });
  if (!use.isTimely) throw new AtelierError("AUTH_TIME_INVALID");
  if (!use.isNew) throw new AtelierError("AUTH_REPLAYED");
}

interface Proof {
  readonly hasSignature: boolean;
  readonly isSigned: boolean;
  /** Undefined without a signature of the second form, or when it is malformed. */
  readonly claim: SignatureV2Claim | undefined;
  readonly hasSignatureV2: boolean;
  readonly isSignedV2: boolean;
}

/** Signed with where there is no secret, so that an unknown key takes as long as a wrong signature. */
const absentSecret = "no project has this secret at any time!!";

/** Computes every signature that could be asked for, whoever asks: nobody learns from the time what was looked at. */
function readProof(request: FastifyRequest, apiKey: string, known: readonly string[]): Proof {
  const { headers, method } = request;
  const [current = absentSecret, previous = absentSecret] = known;
  const secrets: [string, string] = [current, previous];
  const nonce = textOf(headers["x-nonce"]);
  const signature = textOf(headers["x-signature"]);
  const given = sha256(digestIn(signature));
  // Hashes of them are compared: in a time that depends neither on the contents nor on the length of what was given.
  const matches = secrets.map((apiSecret) => timingSafeEqual(given, sha256(sign({ apiKey, apiSecret, nonce }))));
  const claim = readSignatureV2(headers);
  const whole = claim === "malformed" ? undefined : claim;
  return {
    hasSignature: nonce !== "" && signature !== "",
    isSigned: matches.includes(true),
    claim: whole,
    hasSignatureV2: claim !== undefined,
    isSignedV2: whole !== undefined && isSignedV2(secrets, { method, target: request.raw.url ?? "" }, whole),
  };
}

/** Throws unless the proof is the one that the project asks for. A signature of the second form counts, once it is given:
 *  one that is wrong is not saved by a right one of the first. */
function checkProof(found: FoundKey | undefined, proof: Proof): asserts found is FoundKey {
  if (!found) throw new AtelierError("AUTH_KEY_UNKNOWN");
  const { signatureV2, project, secrets } = found;
  const isV2 = signatureV2 !== "off" && proof.hasSignatureV2 && project.auth === "signature";
  if (signatureV2 === "required" && !isV2) throw new AtelierError("AUTH_STRICT_SIGNATURE_REQUIRED");
  if (project.auth === "key") return;
  if (!isV2 && !proof.hasSignature) throw new AtelierError("AUTH_SIGNATURE_MISSING");
  const isSigned = isV2 ? proof.isSignedV2 : proof.isSigned;
  if (secrets.length === 0 || !isSigned) throw new AtelierError("AUTH_SIGNATURE_INVALID");
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

/** Without an object of OpenSSL, which the garbage collector would have to free: there are a dozen hashes in a request. */
function sha256(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

/** Node reads header bytes as Latin-1; this gives back the bytes that were sent. */
function wireBytes(header: string): Buffer {
  return Buffer.from(header, "latin1");
}

function isPlausibleKey(apiKey: string): boolean {
  return /^[\x21-\x7e]{1,256}$/.test(apiKey);
}

function textOf(header: IncomingHttpHeaders[string]): string {
  return typeof header === "string" ? header.trim() : "";
}
