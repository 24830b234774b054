// Sends a live server any number of requests, bytes and frames, right and wrong, and says what it should not have answered.
//
//   npm run fuzz -- --cases 5000 [--seed 1] [--only 4711] [--report FILE]
//
// A failure prints its seed, its case's number and the request; `--seed S --only N` repeats that one.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { inspect, parseArgs } from "node:util";

import { serverFrameSchema } from "@atelier/schema/wire-frame-schema";
import { answerChecker } from "@atelier/server/http/openapi/check-replies";

import { makeDocumentCase, runDocumentCase } from "./document-case.mjs";
import { Random } from "./random.mjs";
import { makeRawCase, runRawCase } from "./raw-case.mjs";
import { residentMib, root, startServer, stopServer } from "./server.mjs";
import { makeSocketCase, runSocketCase } from "./socket-case.mjs";

const { values: options } = parseArgs({
  options: {
    cases: { type: "string", default: "5000" },
    seed: { type: "string", default: "1734513807" },
    only: { type: "string" },
    report: { type: "string" },
    parallel: { type: "string", default: "8" },
  },
});

const kinds = {
  document: { weight: 6, make: makeDocumentCase, run: runDocumentCase },
  raw: { weight: 2.5, make: makeRawCase, run: runRawCase },
  socket: { weight: 1.5, make: makeSocketCase, run: runSocketCase },
};
/** A server that keeps what it was sent passes this within some thousand cases; a good one stays far below. */
const residentLimitMib = 900;
const failuresShown = 20;

// Of the code that is tried, whatever is committed meanwhile.
const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
const server = await startServer();
const context = await contextOf(server);
const counts = { document: 0, raw: 0, socket: 0 };
const failures = [];
let peakMib = 0;
const startedAt = performance.now();
const isAlive = await fuzz();
const seconds = (performance.now() - startedAt) / 1000;
const exitCode = await stopServer(server);
const report = reportOf();
process.stdout.write(`${report}\n`);
if (options.report) writeFileSync(options.report, `${report}\n`);
process.exitCode = isGood() ? 0 : 1;

async function contextOf({ url, port, tasks, files, headersOf }) {
  const document = await (await fetch(`${url}/openapi.json`)).json();
  const check = answerChecker(document);
  const isEnvelope = (body) => {
    const answer = parse(body);
    if (answer === undefined) return false;
    // What /mcp answers (JSON-RPC), with whatever its tools give.
    if (answer.jsonrpc === "2.0") return true;
    // Pages of other kinds have their own form, which the cases of the document check.
    return answer.result === undefined || (answer.result === true ? Array.isArray(answer.errors) : !check({ method: "GET", route: undefined, status: 404, body }));
  };
  const checkFrame = (text) => serverFrameSchema.safeParse(parse(text)).error?.message;
  return { url, port, tasks, files, headersOf, document, check, isEnvelope, checkFrame };
}

/** True when the server still answers at the end. */
async function fuzz() {
  const numbers = options.only === undefined ? Array.from({ length: Number(options.cases) }, (_, index) => index) : [Number(options.only)];
  const queue = numbers.values();
  await Promise.all(Array.from({ length: Number(options.parallel) }, () => worker(queue)));
  return fetch(`${server.url}/readyz`).then((answer) => answer.ok, () => false);
}

async function worker(queue) {
  for (const number of queue) {
    if (failures.length >= failuresShown || server.child.exitCode !== null) return;
    await runCase(number);
    if (number % 500 !== 0) continue;
    peakMib = Math.max(peakMib, residentMib(server));
    if (number % 5_000 === 0) process.stderr.write(`${number} cases, ${Math.round(peakMib)} MiB\n`);
  }
}

async function runCase(number) {
  const random = new Random(Number(options.seed), number);
  const name = random.weighted(Object.entries(kinds).map(([kind, { weight }]) => [weight, kind]));
  const made = kinds[name].make(random, context);
  counts[name] += 1;
  const problem = await kinds[name].run(made, context).catch((error) => `${error.code ?? ""} ${error.message}`);
  if (problem === undefined) return;
  failures.push({ number, name, problem, made });
  process.stderr.write(`case ${number} (${name}, seed ${options.seed}): ${problem}\n${show(made)}\n`);
}

function isGood() {
  return failures.length === 0 && server.faults.length === 0 && isAlive && exitCode === 0 && peakMib < residentLimitMib;
}

function reportOf() {
  const total = counts.document + counts.raw + counts.socket;
  return [
    `# Fuzzer: ${isGood() ? "nothing found" : "FAILED"}`,
    "",
    `\`npm run fuzz -- --cases ${options.cases} --seed ${options.seed}\``,
    "",
    `- commit ${commit}; ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
    `- ${total} cases in ${Math.round(seconds)} s: ${counts.document} requests from the OpenAPI document, ${counts.raw} connections of raw bytes, ${counts.socket} WebSockets`,
    `- answers with 5xx or off their schema, connections left without an answer: ${failures.length}`,
    `- faults, unhandled rejections and failures in the server's log: ${server.faults.length}${server.faults.slice(0, 3).map((line) => `\n  - ${line}`).join("")}`,
    `- at the end the server ${isAlive ? "answered" : "did NOT answer"}, and stopped with exit code ${exitCode}`,
    `- largest resident memory of the server: ${Math.round(peakMib)} MiB (limit ${residentLimitMib})`,
  ].join("\n");
}

function show(made) {
  const readable = (value) => (Buffer.isBuffer(value) ? value.subarray(0, 2_000).toString("latin1") : value);
  return inspect(made, { depth: 4, maxStringLength: 2_000, breakLength: 140 }) + (made.bytes ? `\n${JSON.stringify(readable(made.bytes))}` : made.body ? `\n${JSON.stringify(readable(made.body))}` : "");
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // judged by whoever asked
  }
}
