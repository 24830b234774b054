// Draws keys and secrets, and says what the database keeps of a key.

import { hash, randomInt } from "node:crypto";

const credentialCharacters = 40;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** 40 letters and digits: 238 bits. */
export function drawCredential(): string {
  return Array.from({ length: credentialCharacters }, () => alphabet[randomInt(alphabet.length)]).join("");
}

/** SHA-256, 32 bytes. No slow hash and no salt: nobody guesses 238 bits. */
export function hashKey(apiKey: string): Buffer {
  return hash("sha256", apiKey, "buffer");
}

/** What a person recognises a key by. */
export function hintOf(apiKey: string): string {
  return `${apiKey.slice(0, 4)}...${apiKey.slice(-4)}`;
}
