// npm test: installs, builds, checks types and style, and runs the tests. Arguments go to the test runner.

import { join } from "node:path";

import { endOnSignals, prepare, root, runTool } from "./prepare.mjs";

const ending = endOnSignals();
const bin = (path) => join(root, "node_modules", path);
const checks = [
  { name: "types of the tests", path: bin("typescript/bin/tsc"), args: ["-p", "tsconfig.tests.json"] },
  { name: "lint", path: bin("oxlint/bin/oxlint"), args: ["--deny-warnings"] },
];

try {
  await prepare(ending.signal);
  const failed = [];
  for (const { name, path, args } of checks) {
    if ((await runTool(process.execPath, [path, ...args], { signal: ending.signal })) !== 0) failed.push(name);
  }
  // Said before the tests, so that the runner's own summary closes the output.
  for (const name of failed) process.stderr.write(`atelier: ${name}: FAILED, see above\n`);
  const tests = [bin("vitest/vitest.mjs"), "run", ...process.argv.slice(2)];
  const code = await runTool(process.execPath, tests, { signal: ending.signal, stdout: 1 });
  process.exit(code === 0 && failed.length > 0 ? 1 : code);
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
