// A deterministic engine for tests and benchmarks: no model, a one-colour picture per run. A production server refuses it.
// Words in the prompt steer it: `stepMs=20`, `crashAt=2`, `throw=EIO`, `output=missing`, `fail`, `hang`, `cancelItself`, `printNul`, `printEmoji`, `printErrors=3`, `ignoreCancel`.

import { createHash } from "node:crypto";
import { truncateSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { deflateSync, crc32 } from "node:zlib";

const pipe = new Socket({ fd: 3, readable: true, writable: true });
const running = new Set();
const cancelled = new Set();
const previewed = new Set();
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const send = (message) => pipe.write(`${JSON.stringify(message)}\n`);

pipe.on("close", () => process.exit(0));
pipe.on("error", () => process.exit(0));
createInterface({ input: pipe }).on("line", (line) => receive(JSON.parse(line)));

function receive(message) {
  if (message.type === "init") send({ type: "ready", protocol: message.protocol, engine: "fake", capabilities: {} });
  // As the real engine does: a cancel for a run that has not begun is dropped.
  else if (message.type === "cancel" && running.has(message.runId)) cancelled.add(message.runId);
  else if (message.type === "preview" && running.has(message.runId)) previewed.add(message.runId);
  else if (message.type === "shutdown") process.exit(0);
  else if (message.type === "run") run(message).catch((error) => report(message.runId, error));
}

/** As the real engines report what they did not foresee. */
function report(runId, error) {
  const isDiskFull = error.code === "ENOSPC" || error.code === "EDQUOT";
  send({ type: "failed", runId, code: isDiskFull ? "DISK_FULL" : "ENGINE_FAILED", message: error.message });
}

async function run({ runId, input, outputFolder }) {
  const stepMs = Number(word(input.prompt, "stepMs") ?? 0);
  const crashAt = Number(word(input.prompt, "crashAt") ?? 0);
  const ignoreCancel = input.prompt.includes("ignoreCancel");
  const startedAt = Date.now();
  running.add(runId);
  const stepTotal = input.steps * input.samples;
  send({ type: "started", runId });
  console.log(`seed ${input.seed}`);
  if (input.prompt.includes("printNul")) console.log("\0");
  for (let line = 1; line <= Number(word(input.prompt, "printErrors") ?? 0); line += 1) console.error(`warning ${line}, api_key=abcdef123456`);
  // Longer than a line that is kept, in characters that take two places each, beginning at an odd one.
  if (input.prompt.includes("printEmoji")) for (const print of [console.log, console.error]) print(`x${"\u{1F3A8}".repeat(2_000)}`);
  const thrown = word(input.prompt, "throw");
  if (thrown) throw Object.assign(new Error(`${thrown}: asked to throw`), { code: thrown });
  if (input.prompt.includes("cancelItself")) return send({ type: "cancelled", runId });
  if (input.prompt.includes("hang")) return;
  for (let step = 1; step <= stepTotal; step += 1) {
    await wait(stepMs);
    if (step === crashAt) process.exit(3);
    if (cancelled.has(runId) && !ignoreCancel) return send({ type: "cancelled", runId });
    const index = Math.floor((step - 1) / input.steps);
    const preview = previewed.has(runId) && { preview: `data:image/png;base64,${onePixelPng(colourOf(input, index)).toString("base64")}` };
    send({ type: "progress", runId, index, step, stepTotal, secondsPerStep: stepMs / 1000, ...preview });
    if (step % input.steps === 0) draw({ runId, input, outputFolder, index });
  }
  if (input.prompt.includes("fail")) return send({ type: "failed", runId, code: "FAKE", message: "asked to fail" });
  send({ type: "done", runId, loadCount: 1, elapsedMs: Date.now() - startedAt });
}

function draw({ runId, input, outputFolder, index }) {
  const path = join(outputFolder, `${index}.png`);
  writeFileSync(path, onePixelPng(colourOf(input, index)));
  for (const wrong of wrongOutputs(word(input.prompt, "output"), path)) send({ type: "output", runId, index, path, contentType: "image/png", ...wrong });
}

/** What a broken engine would say of its output, on top of what is right. */
function wrongOutputs(kind, path) {
  if (kind === "missing") return [{ path: `${path}.gone` }];
  if (kind === "twice") return [{}, {}];
  if (kind === "beyond") return [{ index: 64 }];
  if (kind === "typeless") return [{ contentType: "picture" }];
  // One byte more than an output may have; a hole, so it takes no room.
  if (kind === "large") truncateSync(path, 2 ** 30 + 1);
  return [{}];
}

function colourOf({ prompt, seed }, index) {
  return createHash("sha256").update(`${prompt} ${seed + index}`).digest().subarray(0, 3);
}

function word(prompt, name) {
  return new RegExp(`\\b${name}=(\\w+)`).exec(prompt)?.[1];
}

function onePixelPng(colour) {
  const header = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]);
  const data = deflateSync(Buffer.from([0, ...colour]));
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}
