// Bytes that only look like HTTP, on a connection of their own, and what is wrong with whatever comes back.

import { connect } from "node:net";

import { damaged, json, multipart } from "./encodings.mjs";
import { nearValue, oddText, wrongValue } from "./values.mjs";

const answerMs = 20_000;
/** Every status that the server may answer such bytes with; none is a fault of its own. */
const statuses = [100, 101, 200, 204, 206, 304, 400, 401, 404, 405, 408, 413, 414, 416, 417, 426, 429, 431];

export function makeRawCase(random, context) {
  const head = headOf(random, context);
  const body = random.pick([json, multipart, damaged])(random, random.pick([nearValue, wrongValue])(random, { type: "object" }, (one) => one));
  const kinds = [
    () => request(head, body, body.body.length),
    () => request(head, body, body.body.length + random.int(1, 200)),
    () => request(head, body, random.int(0, Math.max(0, body.body.length - 1))),
    () => request(head, body, random.pick(["-1", "abc", "1e3", "99999999999999999999", " 5", "5, 5", "0x10"])),
    () => chunked(random, head, body),
    () => deep(random, head),
    () => Buffer.concat([Buffer.from(`${head}x-big: ${"h".repeat(random.int(1_000, 40_000))}\r\n\r\n`)]),
    () => Buffer.from(`${head}${random.list(random.int(1, 3_000), () => `x-${random.int(0, 9)}: 1`).join("\r\n")}\r\n\r\n`),
    () => Buffer.concat([Buffer.from(`${head}x-odd: `), random.bytes(random.int(0, 60)), Buffer.from("\r\ncontent-length: 0\r\n\r\n")]),
    () => Buffer.concat([request(head, body, body.body.length), request(headOf(random, context), body, body.body.length)]),
    () => Buffer.from(`${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{}`),
    () => Buffer.from(`${head}expect: ${random.pick(["100-continue", "200-ok"])}\r\ncontent-length: 2\r\n\r\n{}`),
    () => Buffer.from(`${head}connection: upgrade\r\nupgrade: ${random.pick(["websocket", "h2c", "x"])}\r\nsec-websocket-key: ${oddText(random).slice(0, 30)}\r\n\r\n`, "latin1"),
    () => brokenMultipart(random, head),
    () => random.bytes(random.int(1, 400)),
    () => cut(random, request(head, body, body.body.length)),
  ];
  return { bytes: random.pick(kinds)() };
}

/** Sends the bytes and closes the sending side. The server must answer what it understands and close the connection. */
export async function runRawCase({ bytes }, { port, isEnvelope }) {
  const answer = await sendAndEnd(port, bytes);
  if (answer === undefined) return `no answer and no end within ${answerMs} ms`;
  for (const { status, type, body } of responsesIn(answer)) {
    if (!statuses.includes(status)) return `HTTP ${status}: ${body.slice(0, 300)}`;
    if (type.startsWith("application/json") && body !== "" && !isEnvelope(body)) return `no envelope: ${body.slice(0, 300)}`;
  }
  return undefined;
}

function headOf(random, { headersOf, document }) {
  const paths = Object.keys(document.paths);
  const path = random.chance(0.8) ? random.pick(paths).replaceAll(/\{[a-z]+\}/gi, "fake") : random.pick(["*", "//", "/%ff", "http://x/v1", "/v1/\u00ff", "/" + "a".repeat(20_000)]);
  const method = random.weighted([[8, "POST"], [2, "GET"], [0.5, "OPTIONS"], [0.3, "HEAD"], [0.2, "PRI"], [0.2, "CONNECT"], [0.2, "post"], [0.2, "DELETE"]]);
  const version = random.weighted([[20, "HTTP/1.1"], [1, "HTTP/1.0"], [1, "HTTP/2.0"], [1, "HTTP/9"]]);
  const auth = random.chance(0.8) ? Object.entries(headersOf(random.pick(["signing", "keyOnly"]))) : [];
  const host = random.chance(0.95) ? "host: x\r\n" : "";
  return `${method} ${path} ${version}\r\n${host}${auth.map(([name, value]) => `${name}: ${value}\r\n`).join("")}`;
}

function request(head, { type, body }, length) {
  return Buffer.concat([Buffer.from(`${head}content-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`, "latin1"), body]);
}

function chunked(random, head, { type, body }) {
  const size = random.weighted([[4, body.length.toString(16)], [1, "zz"], [1, "-1"], [1, "fffffffff"], [1, (body.length + 5).toString(16)]]);
  const start = `${head}content-type: ${type}\r\ntransfer-encoding: ${random.pick(["chunked", "chunked", "gzip, chunked", "identity"])}\r\n\r\n${size}\r\n`;
  return Buffer.concat([Buffer.from(start, "latin1"), body, Buffer.from("\r\n0\r\n\r\n")]);
}

function deep(random, head) {
  const depth = random.int(20, 50_000);
  const open = random.pick(["[", '{"a":', '{"prompt":[']);
  const body = Buffer.from(`{"prompt":${open.repeat(depth)}`);
  return request(head, { type: "application/json", body }, body.length);
}

function brokenMultipart(random, head) {
  const parts = [
    "--b\r\n", "--b--\r\n", "--b", "\r\n\r\n", 'content-disposition: form-data; name="prompt"\r\n', 'content-disposition: form-data; name="', "x".repeat(3_000),
    'content-disposition: form-data; name="x"; filename="../../a.zip"\r\n', "content-type: multipart/mixed; boundary=c\r\n", "content-transfer-encoding: base64\r\n",
    "\0\0", "--c\r\n", "\xff\xfe",
  ];
  const body = Buffer.from(random.list(random.int(0, 60), () => random.pick(parts)).join(""), "latin1");
  const type = random.pick(["multipart/form-data; boundary=b", 'multipart/form-data; boundary="b', "multipart/form-data; boundary=" + "b".repeat(200)]);
  return request(head, { type, body }, body.length);
}

function cut(random, bytes) {
  return bytes.subarray(0, random.int(1, bytes.length));
}

/** Everything that came back; undefined when the connection was left open. */
function sendAndEnd(port, bytes) {
  return new Promise((resolve) => {
    const chunks = [];
    const timer = setTimeout(() => finish(undefined), answerMs);
    const finish = (answer) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: false }, () => socket.end(bytes));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      // An accepted WebSocket stays open on purpose; its frames are other cases.
      if (chunk.subarray(0, 12).toString() === "HTTP/1.1 101") finish(chunk);
    });
    socket.on("close", () => finish(Buffer.concat(chunks)));
    // A reset is an answer as well.
    socket.on("error", () => finish(Buffer.concat(chunks)));
  });
}

/** The answers in what came back, one after the other. */
export function responsesIn(bytes) {
  const responses = [];
  for (let rest = bytes; rest.length > 0; ) {
    const end = rest.indexOf("\r\n\r\n");
    const head = rest.subarray(0, end < 0 ? rest.length : end).toString("latin1");
    const status = Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(head)?.[1] ?? 0);
    const length = Number(/^content-length: *([0-9]+)/im.exec(head)?.[1] ?? 0);
    const isChunked = /^transfer-encoding: *chunked/im.test(head);
    const start = end < 0 ? rest.length : end + 4;
    const stop = isChunked ? rest.length : Math.min(rest.length, start + length);
    const type = /^content-type: *([^\r]*)/im.exec(head)?.[1] ?? "";
    // The answer to HEAD has a length and no body.
    const isNext = rest.subarray(start, start + 9).toString() === "HTTP/1.1 ";
    responses.push({ status, type, body: isChunked || isNext ? "" : rest.subarray(start, stop).toString("utf8") });
    rest = rest.subarray(isNext ? start : stop);
  }
  return responses;
}
