// The doctor's checks of inference: the native binary loads, and the weights are those that were shipped.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";

import { z } from "zod";

import type { Config } from "../../config.ts";
import { limits } from "../../limits.ts";
import { failed, ok, warning } from "./check.ts";
import type { Finding } from "./check.ts";

/** In a process of its own: a native library that does not fit this machine ends the process that loads it. */
export async function checkEngineBinary(config: Config): Promise<Finding> {
  const script = `const ort = require("onnxruntime-node"); console.log(ort.env.versions.node ?? ort.env.versions.common);`;
  const options = { cwd: join(config.installDir, "packages/flux"), timeout: limits.engineStartMs };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ["--eval", script], options);
    return ok("engine", `onnxruntime-node ${stdout.trim()} loads`);
  } catch (error) {
    const lines = String((error as { stderr?: string }).stderr ?? error).split("\n");
    const reason = lines.find((line) => line.includes("Error")) ?? lines[0] ?? "";
    const remedy = "Run `npm ci`. On Alpine Linux there is no binary: use a distribution with glibc.";
    return failed("engine", `onnxruntime-node does not load: ${reason.trim()}`, remedy);
  }
}

/** `path` begins with `models/`, whatever the folder is called. */
const weightsSchema = z.array(z.object({ path: z.string(), sha256: z.string(), sizeBytes: z.int() }));

type WeightsFile = z.infer<typeof weightsSchema>[number];

/** One finding when all files are as listed, else one for each that is not, with its path. */
export async function checkWeights(config: Config): Promise<Finding[]> {
  const listed = await Promise.all(config.modelFolders.map(checkFolder));
  const findings = listed.flat();
  if (findings.length > 0) return findings;
  const remedy = "Restore models/weights.json from the repository.";
  return [warning("weights", "no weights.json lists what the weights should be", remedy)];
}

async function checkFolder(folder: string): Promise<Finding[]> {
  const list = join(folder, "weights.json");
  const content = await readFile(list, "utf8").catch(() => undefined);
  if (content === undefined) return [];
  const parsed = weightsSchema.safeParse(parseJson(content));
  if (!parsed.success) return [failed("weights", `${list} cannot be read`, `Restore it: ${restore}`)];
  const findings: Finding[] = [];
  for (const file of parsed.data) {
    const path = join(folder, file.path.replace(/^models\//, ""));
    const problem = await findProblem(path, file);
    if (problem) findings.push(failed("weights", `${path} ${problem}`, `Restore it: ${restore}`));
  }
  return findings.length > 0 ? findings : [ok("weights", `${parsed.data.length} files in ${folder} are as listed`)];
}

const restore = "`git checkout -- models` in the repository, or copy it again from where it came.";

async function findProblem(path: string, expected: WeightsFile): Promise<string | undefined> {
  const info = await stat(path).catch(() => undefined);
  if (!info) return "is missing";
  if (info.size !== expected.sizeBytes) return `was altered: it has ${info.size} bytes instead of ${expected.sizeBytes}`;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex") === expected.sha256 ? undefined : "was altered: its SHA-256 is another";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
