// The least of a WebSocket client (RFC 6455): ten thousand `ws` clients would cost the measuring process more than the server.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";

const textFrame = 0x81;
const pingOpcode = 0x9;

export async function openRawSocket(port, onText = () => undefined) {
  const stream = connect({ port, host: "127.0.0.1" });
  const key = randomBytes(16).toString("base64");
  stream.write(`GET /v1 HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`);
  let buffer = Buffer.alloc(0);
  let isOpen = false;
  const { promise: greeting, resolve: greeted, reject: refused } = withResolvers();
  stream.on("data", (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    if (!isOpen) {
      const end = buffer.indexOf("\r\n\r\n");
      if (end < 0) return;
      isOpen = true;
      const status = buffer.toString("latin1", 0, buffer.indexOf("\r\n"));
      if (!status.startsWith("HTTP/1.1 101 ")) refused(new Error(`the server refused a socket: ${status}`));
      buffer = Buffer.from(buffer.subarray(end + 4));
    }
    for (let frame = takeFrame(buffer); frame; frame = takeFrame(buffer)) {
      buffer = Buffer.from(frame.rest);
      greeted();
      if (frame.opcode === 1) onText(frame.payload.toString());
      if (frame.opcode === pingOpcode) stream.write(masked(0x8a, frame.payload));
    }
  });
  stream.on("error", () => stream.destroy());
  await greeting;
  return {
    follow: async (tasktoken) => void stream.write(masked(textFrame, Buffer.from(JSON.stringify({ type: "task_info", tasktoken })))),
    end: () => stream.end(),
    closed: once(stream, "close"),
  };
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

function takeFrame(buffer) {
  if (buffer.length < 2) return undefined;
  let length = buffer[1] & 0x7f;
  let at = 2;
  if (length === 126) {
    if (buffer.length < 4) return undefined;
    length = buffer.readUInt16BE(2);
    at = 4;
  }
  if (buffer.length < at + length) return undefined;
  return { opcode: buffer[0] & 0x0f, payload: buffer.subarray(at, at + length), rest: buffer.subarray(at + length) };
}

/** Frames of a client are masked; payloads here stay under 126 bytes or 64 KiB. */
function masked(firstByte, payload) {
  const mask = randomBytes(4);
  const head = payload.length < 126 ? Buffer.from([firstByte, 0x80 | payload.length]) : Buffer.from([firstByte, 0xfe, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ mask[at % 4])]);
}
