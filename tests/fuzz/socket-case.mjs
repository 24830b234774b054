// One WebSocket with frames that a client would send, should not send, or cannot send, and what is wrong with what comes back.

import { connect } from "node:net";

import { WebSocket } from "ws";

import { oddText, wrongValue } from "./values.mjs";

const answerMs = 20_000;
/** docs/wire-contract.md, "WebSocket", and those that the library uses for broken frames (RFC 6455, section 7.4.1). */
const closeCodes = [1000, 1001, 1002, 1005, 1006, 1007, 1008, 1009];

export function makeSocketCase(random, { tasks }) {
  if (random.chance(0.3)) return { raw: random.list(random.int(1, 6), () => rawFrame(random, tasks)) };
  return { frames: random.list(random.int(1, 6), () => frame(random, tasks)) };
}

export async function runSocketCase(made, { port, tasks, checkFrame }) {
  return made.raw ? runRaw(made.raw, port) : runFrames(made.frames, { port, ended: tasks[0].token, checkFrame });
}

function frame(random, tasks) {
  const token = random.weighted([[5, random.pick(tasks).token], [1, random.pick(tasks).taskid], [2, oddText(random)]]);
  return random.weighted([
    [5, JSON.stringify({ type: "task_info", tasktoken: token })],
    [2, JSON.stringify({ type: "task_info", tasktoken: token, afterseq: wrongValue(random), preview: wrongValue(random) })],
    [2, JSON.stringify(wrongValue(random))],
    [1, JSON.stringify({ type: oddText(random), tasktoken: wrongValue(random) })],
    [1, oddText(random)],
    [1, random.bytes(random.int(0, 300))],
    [0.2, "x".repeat(20_000)],
  ]);
}

/** Sends the frames and then asks for a task that has ended; its last frame or a close must come. */
function runFrames(frames, { port, ended, checkFrame }) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1`);
    const finish = (problem) => {
      clearTimeout(timer);
      socket.terminate();
      resolve(problem);
    };
    const timer = setTimeout(() => finish(`neither the last frame nor a close within ${answerMs} ms`), answerMs);
    socket.on("open", () => {
      for (const one of frames) socket.send(one);
      socket.send(JSON.stringify({ type: "task_info", tasktoken: ended }));
    });
    socket.on("message", (data) => {
      const problem = checkFrame(String(data));
      if (problem) return finish(`frame ${String(data).slice(0, 300)}: ${problem}`);
      const { tasktoken, terminal } = JSON.parse(String(data));
      if (terminal === true && tasktoken === ended) finish(undefined);
    });
    socket.on("close", (code) => finish(closeCodes.includes(code) ? undefined : `close code ${code}`));
    socket.on("error", (error) => finish(`error ${error.message}`));
  });
}

const handshake =
  "GET /v1 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** A frame as bytes: reserved bits, unknown opcodes, wrong lengths, missing masks, text that is no UTF-8. */
function rawFrame(random, tasks) {
  const payload = random.pick([Buffer.from(JSON.stringify({ type: "task_info", tasktoken: random.pick(tasks).token })), random.bytes(random.int(0, 60))]);
  const first = random.weighted([[4, 0x81], [1, 0x01], [1, 0x80], [1, 0x89], [1, 0x8a], [1, 0x88], [2, random.int(0, 255)]]);
  const length = random.weighted([[6, payload.length], [1, random.int(0, 125)]]);
  const isMasked = random.chance(0.85);
  const mask = random.bytes(4);
  const bytes = Buffer.from(payload.map((byte, at) => (isMasked ? byte ^ mask[at % 4] : byte)));
  const header = random.chance(0.9) ? [first, (isMasked ? 0x80 : 0) | Math.min(length, 125)] : [first, 0xff, ...random.bytes(8)];
  return Buffer.concat([Buffer.from(header), isMasked ? mask : Buffer.alloc(0), bytes]);
}

/** The server must close after broken frames, and stay where they were whole; either way nothing else is asked of it. */
function runRaw(frames, port) {
  return new Promise((resolve) => {
    const chunks = [];
    const finish = (problem) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(problem);
    };
    const timer = setTimeout(() => finish("no answer to the handshake"), answerMs);
    const socket = connect(port, "127.0.0.1", () => socket.end(Buffer.concat([Buffer.from(handshake), ...frames])));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("close", () => finish(Buffer.concat(chunks).toString("latin1").startsWith("HTTP/1.1 101") ? undefined : "no handshake"));
    socket.on("error", () => finish(undefined));
  });
}
