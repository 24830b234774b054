// Outages of receivers mixed with the ends of senders and with kill -9 of a whole server: no callback may be lost.
//
//   node tests/webhooks/outages.mjs [--outages 1000] [--seed 20261122] [--write]
//
// Runs the two tests beside this file with so many outages each; `--write` makes benchmarks/results/webhook-outages.md of what
// they counted. The same seed redoes the choices; when they fall depends on the machine.

import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const root = join(import.meta.dirname, "../..");
const { values: options } = parseArgs({
  options: { outages: { type: "string", default: "1000" }, seed: { type: "string", default: "20261122" }, write: { type: "boolean", default: false } },
});
if (![options.outages, options.seed].every((text) => /^[1-9][0-9]{0,8}$/.test(text))) {
  process.stderr.write("error: --outages and --seed take whole numbers above 0\n");
  process.exit(2);
}

// Of the code that is tried, whatever is committed meanwhile.
const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
// Without colours: the counts are read out of what is printed.
const environment = { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0", ATELIER_OUTAGES: options.outages, ATELIER_OUTAGES_SEED: options.seed };
// Side by side: most of their time is waiting.
const [senders, server] = await Promise.all(["outages", "killed-server"].map((name) => run(`tests/webhooks/${name}.test.ts`)));
const report = reportOf();
process.stdout.write(`${report}\n`);
if (options.write) writeFileSync(join(root, "benchmarks/results/webhook-outages.md"), `${report}\n`);
process.exitCode = senders.isGreen && server.isGreen ? 0 : 1;

/** Runs one file of tests; resolves to what it counted, which it prints as one line of JSON. */
function run(file) {
  const startedAt = performance.now();
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", file], { cwd: root, env: environment, stdio: ["ignore", "pipe", "inherit"] });
  process.once("SIGINT", () => child.kill("SIGINT"));
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
    process.stderr.write(chunk);
  });
  return new Promise((resolve) => {
    child.once("close", (code) => {
      const counts = JSON.parse(/^(?:outages|killed server): (\{.*\})$/m.exec(text)?.[1] ?? "null");
      resolve({ isGreen: code === 0 && counts !== null, counts: counts ?? {}, seconds: Math.round((performance.now() - startedAt) / 1000) });
    });
  });
}

function reportOf() {
  const isGood = senders.isGreen && server.isGreen;
  const verdict = ({ isGreen }) => (isGreen ? "every callback acknowledged by its receiver, 0 lost" : "**FAILED**");
  return [
    `# Callbacks and outages: ${isGood ? "0 lost" : "FAILED"}`,
    "",
    `\`node tests/webhooks/outages.mjs --outages ${options.outages} --seed ${options.seed} --write\``,
    "",
    `Commit ${commit}; ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}. An outage is one try of a`,
    "receiver's that ended in HTTP 500, a redirect, a cut connection or (first row) no answer at all.",
    "",
    "| what dies | outages | deaths | callbacks | result | seconds |",
    "|---|---|---|---|---|---|",
    `| two senders, each at any moment, on one database | ${senders.counts.outages} | ${senders.counts.kills} | ${senders.counts.callbacks} | ${verdict(senders)} | ${senders.seconds} |`,
    `| a whole server, kill -9 while its receiver has not answered | ${server.counts.outages} | ${server.counts.kills} | ${server.counts.callbacks} | ${verdict(server)} | ${server.seconds} |`,
  ].join("\n");
}
