// One set of fields as the bytes of a body, in every way that clients are known to send them, and in ways that they should not.

import { gzipSync } from "node:zlib";

import { fileFields } from "./file-values.mjs";

const labels = [
  "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=", "text/plain",
  "application/json; charset=utf-16", "multipart/form-data; boundary=\"", ";;;", "", "a/b/c", "application/octet-stream",
];

/** Returns headers and bytes. */
export function encode(random, fields) {
  return random.weighted([
    [4, json], [1, mislabelled], [2, form], [2, multipart], [1, damaged], [0.3, compressed], [0.3, anyBytes],
  ])(random, fields);
}

export function json(_random, fields) {
  return { type: "application/json", body: Buffer.from(JSON.stringify(fields) ?? "") };
}

function mislabelled(random, fields) {
  return { type: random.pick(labels), body: json(random, fields).body };
}

function form(_random, fields) {
  const pairs = pairsOf(fields).map(([name, value]) => `${escape(name)}=${escape(value)}`);
  return { type: "application/x-www-form-urlencoded", body: Buffer.from(pairs.join("&")) };
}

export function multipart(random, fields) {
  const boundary = `b${random.int(0, 1e9)}`;
  const parts = pairsOf(fields).map(([name, value]) => {
    const file = random.chance(0.1) ? `; filename="${random.pick(["a.png", "../a", "", "\u{1F600}.zip"])}"\r\ncontent-type: image/png` : "";
    return `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`;
  });
  const file = random.chance(0.4) ? filePart(random, boundary) : Buffer.alloc(0);
  const body = Buffer.concat([Buffer.from(parts.join("")), file, Buffer.from(`--${boundary}--\r\n`)]);
  return { type: `multipart/form-data; boundary=${boundary}`, body };
}

export const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const fileNames = ["a.png", "../../a.png", "", "a.zip", "\u{1F600}.txt", "a".repeat(400), "a\\b.gif", ".htaccess"];

/** A file: a right picture, a cut or altered one, the beginning of an archive, or anything. */
function filePart(random, boundary) {
  const altered = Buffer.from(pixel);
  altered[random.int(0, altered.length - 1)] = random.int(0, 255);
  const archive = Buffer.concat([Buffer.from("PK\u0003\u0004"), random.bytes(60), Buffer.from("PK\u0005\u0006"), random.bytes(18)]);
  const content = random.pick([pixel, pixel, altered, pixel.subarray(0, random.int(0, 60)), archive, random.bytes(40), Buffer.from("plain text")]);
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="${random.pick(["file", "x", "", ...fileFields, ...fileFields])}"; filename="${random.pick(fileNames)}"\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), content, Buffer.from("\r\n")]);
}

/** Some bytes are others, or the end is missing. */
export function damaged(random, fields) {
  const whole = random.pick([json, form, multipart])(random, fields);
  const body = Buffer.from(whole.body);
  for (let changes = random.int(1, 4); changes > 0 && body.length > 0; changes -= 1) body[random.int(0, body.length - 1)] = random.int(0, 255);
  return { ...whole, body: random.chance(0.3) ? body.subarray(0, random.int(0, body.length)) : body };
}

function compressed(random, fields) {
  return { ...json(random, fields), body: gzipSync(json(random, fields).body), encoding: random.pick(["gzip", "br", "identity, gzip"]) };
}

function anyBytes(random) {
  return { type: random.pick(labels), body: random.bytes(random.int(0, 200)) };
}

function pairsOf(fields) {
  if (typeof fields !== "object" || fields === null) return [["", String(fields)]];
  return Object.entries(fields).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => [name, typeof one === "object" ? JSON.stringify(one) : String(one)]),
  );
}

/** As encodeURIComponent, but half a surrogate pair does not throw. */
function escape(text) {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}
