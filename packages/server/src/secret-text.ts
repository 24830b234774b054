// Unguessable identifiers in the forms that the wire contract shows.

import { randomBytes, randomInt } from "node:crypto";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const letters = alphabet.slice(0, 52);

/** A token of 30 letters and digits (about 178 bits). It starts with a letter: one client tells ids from tokens by "all
 *  digits" (docs/wire-contract.md, "Scalars"). */
export function drawToken(): string {
  let token = letters.charAt(randomInt(letters.length));
  while (token.length < 30) token += alphabet.charAt(randomInt(alphabet.length));
  return token;
}

/** 32 hexadecimal digits: the form of file and folder ids. */
export function drawHexId(): string {
  return randomBytes(16).toString("hex");
}

/** Eight groups of eight hexadecimal digits joined by hyphens: the folder of an output's URL. */
export function drawOutputFolder(): string {
  const hex = randomBytes(32).toString("hex");
  return (hex.match(/.{8}/g) ?? []).join("-");
}
