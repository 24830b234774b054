// Gives tests the committed golden values: weights as a model file of its own, inputs and outputs as arrays.

import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSafetensors, readTensors, type SafetensorsFile } from "../safetensors.ts";
import { encodeSafetensors, writeSafetensors, type TensorToWrite } from "../write-safetensors.ts";

export interface Golden {
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: readonly TensorToWrite[];
  /** Float inputs and outputs, by their names without `input.` or `output.`. */
  readonly inputs: ReadonlyMap<string, Float32Array>;
  readonly outputs: ReadonlyMap<string, Float32Array>;
}

/** Reads `golden/<name>.safetensors`. Integer tensors are left out. */
export async function readGolden(name: string): Promise<Golden> {
  const file = await openSafetensors(goldenPath(`${name}.safetensors`));
  return {
    config: JSON.parse(file.metadata["config"] ?? "{}"),
    weights: await readWeights(file),
    inputs: await readPart(file, "input."),
    outputs: await readPart(file, "output."),
  };
}

/** Absolute path of a golden file. */
export function goldenPath(name: string): string {
  return join(import.meta.dirname, "../../golden", name);
}

/** Writes tensors as a model file in a folder that `scratch` removes, and opens it. */
export async function asModelFile(folder: string, tensors: readonly TensorToWrite[]): Promise<SafetensorsFile> {
  const path = join(folder, `model-${tensors.length}-${process.hrtime.bigint()}.safetensors`);
  await writeSafetensors(path, tensors);
  return openSafetensors(path);
}

/** As `asModelFile`, with every tensor stored as binary16. Values whose magnitude is below 2^-14 lose bits. */
export async function asFloat16ModelFile(folder: string, tensors: readonly TensorToWrite[]): Promise<SafetensorsFile> {
  const bytes = encodeSafetensors(tensors.map((tensor) => ({ ...tensor, dtype: "BF16" })));
  const headerBytes = Number(bytes.readBigUInt64LE());
  const header = bytes.toString("utf8", 8, 8 + headerBytes).replaceAll('"BF16"', '"F16" ');
  bytes.write(header, 8, "utf8");
  const words = Uint16Array.from(tensors.flatMap((tensor) => Array.from(tensor.values, encodeFloat16)));
  bytes.set(new Uint8Array(words.buffer), 8 + headerBytes);
  const path = join(folder, "float16.safetensors");
  await writeFile(path, bytes);
  return openSafetensors(path);
}

/** Runs `use` with a temporary folder and removes it afterwards. */
export async function scratch<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "atelier-flux-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Largest absolute difference, divided by the largest expected magnitude. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let magnitude = 0;
  for (const [i, value] of expected.entries()) {
    const distance = Math.abs(actual[i]! - value); // same length
    if (!(distance <= difference)) difference = distance; // also takes NaN
    magnitude = Math.max(magnitude, Math.abs(value));
  }
  return difference / magnitude;
}

/** For magnitudes below 65520. */
function encodeFloat16(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  const fraction = Math.round(magnitude * 2 ** (10 - exponent));
  return sign | (fraction < 1024 ? fraction : ((exponent + 15) << 10) + fraction - 1024);
}

async function readWeights(file: SafetensorsFile): Promise<TensorToWrite[]> {
  const entries = [...file.tensors.values()].filter((entry) => entry.name.startsWith("weights."));
  const values = await readTensors(file, entries.map((entry) => entry.name));
  return entries.map((entry, i) => ({
    name: entry.name.slice("weights.".length),
    shape: entry.shape,
    values: values[i]!, // one per entry
    dtype: "BF16",
  }));
}

async function readPart(file: SafetensorsFile, prefix: string): Promise<Map<string, Float32Array>> {
  const entries = [...file.tensors.values()].filter((e) => e.name.startsWith(prefix) && e.dtype === "F32");
  const values = await readTensors(file, entries.map((entry) => entry.name));
  return new Map(entries.map((entry, i) => [entry.name.slice(prefix.length), values[i]!])); // one per entry
}
