// Encrypts secrets for the database (AES-256-GCM), bound to what they belong to.

import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

import { OperatorError } from "../operator-error.ts";

/** Layout: version (1 byte), id of the master key (4), nonce (12), tag (16), ciphertext. */
const sealVersion = 1;
const nonceStart = 5;
const tagStart = nonceStart + 12;
const textStart = tagStart + 16;

/** `masterKey`: 32 bytes. `label` is authenticated with it: a seal moved to another row does not open. */
export function sealSecret(masterKey: Buffer, label: string, secret: string): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", masterKey, nonce);
  cipher.setAAD(Buffer.from(label, "utf8"));
  const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
  return Buffer.concat([Buffer.of(sealVersion), keyId(masterKey), nonce, cipher.getAuthTag(), text]);
}

/** Throws MASTER_KEY_INVALID when it was sealed under another master key; an error of node:crypto when it was altered. */
export function openSecret(masterKey: Buffer, label: string, sealed: Buffer): string {
  checkSeal(masterKey, sealed);
  const decipher = createDecipheriv("aes-256-gcm", masterKey, sealed.subarray(nonceStart, tagStart));
  decipher.setAAD(Buffer.from(label, "utf8"));
  decipher.setAuthTag(sealed.subarray(tagStart, textStart));
  return Buffer.concat([decipher.update(sealed.subarray(textStart)), decipher.final()]).toString("utf8");
}

/** Throws MASTER_KEY_INVALID when it was sealed under another master key. */
export function checkSeal(masterKey: Buffer, sealed: Buffer): void {
  if (sealed[0] !== sealVersion) throw new Error(`unknown seal version ${sealed[0]}`);
  if (!sealed.subarray(1, nonceStart).equals(keyId(masterKey))) {
    throw new OperatorError("MASTER_KEY_INVALID", {
      problem: "The stored secrets were sealed under another master key.",
      remedy: "Restore the master.key of this database, or the ATELIER_MASTER_KEY it was used with.",
    });
  }
}

const keyIds = new WeakMap<Buffer, Buffer>();

/** Tells master keys apart without telling anything about them. */
function keyId(masterKey: Buffer): Buffer {
  const known = keyIds.get(masterKey);
  if (known) return known;
  const id = createHash("sha256").update("atelier master key id").update(masterKey).digest().subarray(0, 4);
  keyIds.set(masterKey, id);
  return id;
}
