// What the benchmarks of this folder share: medians, the machine's description, the model under test, reports.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { starterSize, writeRandomAdapter, writeRandomModel } from "@atelier/flux/random-model";

export const root = join(import.meta.dirname, "../..");

/** The seed's kind of prompt: 46 words. */
export const prompt =
  "Sci-Fi Baroque Couture Pulp, Portrait. An empress in a crimson gown with a golden helmet stands before a marble " +
  "arch, columns to both sides, a planet with golden rings above her and three small moons in a violet nebula, " +
  "ornament of leaves and flowers in gold";

/** The starter's weights when they are there, else a random model of their size (speed does not depend on values). */
export async function modelUnderTest() {
  const base = join(root, "models/starter");
  const adapter = join(root, "models/adapters/baroque-space-opera.safetensors");
  const folder = mkdtempSync(join(tmpdir(), "atelier-benchmark-"));
  if (existsSync(base) && existsSync(adapter)) return { name: "models/starter", base, adapter, folder };
  const randomBase = join(folder, "starter");
  const randomAdapter = join(folder, "adapters/random.safetensors");
  await writeRandomModel(randomBase, starterSize);
  await writeRandomAdapter(randomAdapter, { ...starterSize, rank: 8 });
  return { name: "a random model of the starter's size", base: randomBase, adapter: randomAdapter, folder };
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Lowest, median and highest of some milliseconds. */
export function spread(values) {
  return { lowest: Math.min(...values), median: median(values), highest: Math.max(...values) };
}

/** Date, processor, memory, Node and commit, for the head of a report. */
export function machine() {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules/onnxruntime-node/package.json"), "utf8"));
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${cpus().length} × ${cpus()[0].model}`,
    memory: `${Math.round(totalmem() / 1024 ** 3)} GiB`,
    node: process.version,
    onnxruntime: version,
    commit,
  };
}

/** Writes `benchmarks/results/<name>.md` with the machine and a table of rows, by default [what, measured, target]. */
export function writeReport(name, title, { command, columns = ["what", "measured", "target"], rows, notes = [] }) {
  const about = Object.entries(machine()).map(([key, value]) => `- ${key}: ${value}`);
  const table = [columns, columns.map(() => "---"), ...rows].map((row, at) => (at === 1 ? `|${row.join("|")}|` : `| ${row.join(" | ")} |`));
  const lines = [`# ${title}`, "", `\`${command}\``, "", ...about, "", ...table, "", ...notes, ""];
  mkdirSync(join(root, "benchmarks/results"), { recursive: true });
  writeFileSync(join(root, "benchmarks/results", `${name}.md`), lines.join("\n").replace(/\n+$/, "\n"));
}
