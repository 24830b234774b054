// The soak as a command: any number of kills of a real server, its PostgreSQL, workers and engines, then every promise checked.
// It goes in rounds, each from an empty data folder.
//   node tests/crash/soak.mjs --kills 200 --seed 1 --write

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { machine } from "../../benchmarks/flux/measure.mjs";
import { describeSoak } from "./soak/describe-soak.mjs";

const root = join(import.meta.dirname, "../..");
const killsOfRound = 25;
const { values: options } = parseArgs({
  options: {
    kills: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    state: { type: "string" },
    rounds: { type: "string" },
    write: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log(`node tests/crash/soak.mjs [--kills 30] [--seed N] [--write] [--state FOLDER] [--rounds N]
  --write    write benchmarks/results/crash-soak.md when all rounds are done
  --state    keep the rounds' results here, and run none again whose result is there: a long soak may be broken off
  --rounds   run at most so many rounds now`);
  process.exit(0);
}

const folder = options.state ?? mkdtempSync(join(tmpdir(), "atelier-soak-results-"));
mkdirSync(folder, { recursive: true });
const wanted = Math.ceil(Number(options.kills) / killsOfRound);
let left = Number(options.rounds ?? wanted);
const results = [];
for (let round = 0; round < wanted; round += 1) {
  const seed = Number(options.seed) + 1_000 * round;
  const kills = Math.min(killsOfRound, Number(options.kills) - round * killsOfRound);
  const file = join(folder, `round-${round}-seed-${seed}.json`);
  if (!existsSync(file) && left > 0) {
    left -= 1;
    await runRound({ seed, kills, file });
  }
  if (existsSync(file)) results.push(JSON.parse(readFileSync(file, "utf8")));
}
const text = describeSoak(results, { command: `node tests/crash/soak.mjs --kills ${options.kills} --seed ${options.seed} --write` });
console.log(text);
const isWhole = results.length === wanted;
if (options.write && isWhole) writeFileSync(join(root, "benchmarks/results/crash-soak.md"), text);
if (results.some(({ violations }) => violations.length > 0) || (!isWhole && options.rounds === undefined)) process.exitCode = 1;

/** A round that could not be run to its end leaves no result. Ctrl-C reaches the test, which takes everything down. */
async function runRound({ seed, kills, file }) {
  process.on("SIGINT", () => (left = 0));
  // Of the code that is tried, whatever is committed meanwhile.
  const about = machine();
  const unfinished = `${file}.unfinished`;
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--config", "tests/slow.config.ts", "--root", ".", "tests/crash/soak.test.ts"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, ATELIER_SOAK_KILLS: String(kills), ATELIER_SOAK_SEED: String(seed), ATELIER_SOAK_REPORT: unfinished },
  });
  await new Promise((resolve) => child.once("exit", resolve));
  if (existsSync(unfinished)) writeFileSync(file, JSON.stringify({ about, ...JSON.parse(readFileSync(unfinished, "utf8")) }));
}
