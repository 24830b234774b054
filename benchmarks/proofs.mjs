// Runs the long forms of tests that prove rather than measure, and writes what they printed as reports:
// node benchmarks/proofs.mjs state-machine|simulation [--write]

import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

import { root, writeReport } from "./flux/measure.mjs";

const proofs = {
  "state-machine": {
    title: "The table of moves under random lives",
    command: "ATELIER_LIVES=1000000 npx vitest run tests/state-machine",
    env: { ATELIER_LIVES: "1000000" },
    args: ["npx", "--no-install", "vitest", "run", "tests/state-machine"],
    printed: /^.*state machine: (.*)$/m,
    target: "1,000,000 lives, none breaks a rule",
  },
  simulation: {
    title: "Simulated worlds on the real SQL",
    command: "ATELIER_SIMULATION_SECONDS=60 npx vitest run tests/simulation",
    env: { ATELIER_SIMULATION_SECONDS: "60" },
    args: ["npx", "--no-install", "vitest", "run", "tests/simulation"],
    printed: /^.*simulation: (.*)$/m,
    target: "300 lives per CPU-second, no promise broken",
  },
};

const { positionals, values } = parseArgs({ allowPositionals: true, options: { write: { type: "boolean", default: false } } });
const proof = proofs[positionals[0]];
if (!proof) throw new Error(`name one of: ${Object.keys(proofs).join(", ")}`);
const startedAt = performance.now();
const { code, text } = await run(proof);
const seconds = Math.round((performance.now() - startedAt) / 1000);
const printed = proof.printed.exec(text)?.[1];
if (code !== 0 || printed === undefined) throw new Error(`it failed:\n${text.slice(-4_000)}`);
console.log(`${printed} (${seconds} s)`);
if (values.write) {
  writeReport(positionals[0], proof.title, {
    command: proof.command,
    rows: [[printed, `passed in ${seconds} s`, proof.target]],
    notes: [`Written by \`node benchmarks/proofs.mjs ${positionals[0]} --write\`.`],
  });
}

function run({ args: [program, ...args], env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env: { ...process.env, NO_COLOR: "1", ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
    child.once("error", reject).once("exit", (status) => resolve({ code: status, text }));
  });
}
