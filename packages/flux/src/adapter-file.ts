// Reads an adapter (LoRA) file and sorts its matrices by the transformer's canonical modules.
// Layouts read: diffusers/PEFT (`transformer.<module>.lora_A.weight`), kohya (`lora_unet_<module>.lora_down.weight`),
// and the original names with either (`diffusion_model.<module>...`).

import { stat } from "node:fs/promises";
import { fileError } from "./errors.ts";
import type { FluxModule } from "./flux-modules.ts";
import { partsOf, type FluxLayout, type FluxWeights } from "./flux-weights.ts";
import { limits } from "./limits.ts";
import { openSafetensors, readTensors, type SafetensorsFile } from "./safetensors.ts";

/** An adapter's part for one module; the module gains `x · down · up`. */
export interface AdapterMatrices {
  readonly rank: number;
  /** [inWidth, rank] */
  readonly down: Float32Array;
  /** [rank, outWidth], the adapter's own alpha / rank multiplied in. */
  readonly up: Float32Array;
}

export interface Adapter {
  readonly path: string;
  readonly sizeBytes: number;
  /** By canonical module name; modules that the adapter leaves alone are absent. */
  readonly modules: ReadonlyMap<string, AdapterMatrices>;
}

/** What was found of one module, in the file's own layout: A is `down` [rank, inWidth], B is `up` [upRows, rank]. */
interface FoundPair {
  readonly down?: Float32Array;
  readonly up?: Float32Array;
  readonly inWidth?: number;
  readonly upRows?: number;
  readonly rank?: number;
  readonly alpha?: number;
}

/** Both matrices of a module, checked against the transformer. */
interface SourcePair {
  readonly key: string;
  readonly down: Float32Array;
  readonly up: Float32Array;
  readonly inWidth: number;
  readonly rank: number;
  readonly alpha: number | undefined;
}

/** Reads an adapter for the transformer `weights`. Throws WEIGHTS_MISSING when the file cannot be opened,
 *  WEIGHTS_INVALID when it is malformed, too large or does not fit this transformer (the tensor is named),
 *  MODEL_UNSUPPORTED for tensors of another kind of adapter. */
export async function readAdapter(path: string, weights: FluxWeights): Promise<Adapter> {
  const sizeBytes = await adapterSize(path);
  const file = await openSafetensors(path);
  const found = await readPairs(file, sourceModules(weights));
  const factor = peftFactor(file);
  const modules = new Map<string, AdapterMatrices>();
  for (const module of weights.modules.values()) {
    const matrices = combine(file, module, found, factor);
    if (matrices !== undefined) modules.set(module.name, matrices);
  }
  if (modules.size === 0) throw fileError("WEIGHTS_INVALID", path, "holds no adapter matrices");
  return { path, sizeBytes, modules };
}

async function adapterSize(path: string): Promise<number> {
  const size = await stat(path).then((info) => info.size, (cause: unknown) => {
    throw fileError("WEIGHTS_MISSING", path, "cannot be opened", cause);
  });
  if (size > limits.adapterBytes) {
    throw fileError("WEIGHTS_INVALID", path, `is ${size} bytes long; an adapter has at most ${limits.adapterBytes}`);
  }
  return size;
}

/** Every spelling of every module: text before `.lora_A` to `layout:module`. */
function sourceModules(weights: FluxWeights): Map<string, string> {
  const spellings = new Map<string, string>();
  for (const module of weights.modules.values()) {
    for (const part of partsOf("diffusers", module)) {
      spellings.set(`transformer.${part.module}`, sourceKey("diffusers", part.module));
      spellings.set(`lora_transformer_${part.module.replaceAll(".", "_")}`, sourceKey("diffusers", part.module));
    }
    spellings.set(`diffusion_model.${module.name}`, sourceKey("bfl", module.name));
    spellings.set(`lora_unet_${module.name.replaceAll(".", "_")}`, sourceKey("bfl", module.name));
  }
  return spellings;
}

function sourceKey(layout: FluxLayout, module: string): string {
  return `${layout}:${module}`;
}

const suffixes = /\.(lora_A\.weight|lora_B\.weight|lora_down\.weight|lora_up\.weight|alpha)$/;

async function readPairs(file: SafetensorsFile, spellings: Map<string, string>): Promise<Map<string, FoundPair>> {
  const names = [...file.tensors.keys()];
  const values = await readTensors(file, names);
  const pairs = new Map<string, FoundPair>();
  for (const [i, name] of names.entries()) {
    const suffix = suffixes.exec(name)?.[1];
    const key = suffix === undefined ? undefined : spellings.get(name.slice(0, -suffix.length - 1));
    if (suffix === undefined || key === undefined) {
      throw fileError("MODEL_UNSUPPORTED", file.path, `tensor "${name}" belongs to no module of this transformer`);
    }
    const found = pairs.get(key) ?? {};
    pairs.set(key, { ...found, ...readMember(file, found, { name, suffix, values: values[i]! }) }); // one per name
  }
  return pairs;
}

function readMember(
  file: SafetensorsFile,
  found: FoundPair,
  { name, suffix, values }: { name: string; suffix: string; values: Float32Array },
): FoundPair {
  const wrong = (what: string) => fileError("WEIGHTS_INVALID", file.path, `tensor "${name}" ${what}`);
  if (suffix === "alpha") {
    if (values.length !== 1) throw wrong("is not one number");
    return { alpha: values[0]! }; // one, as just checked
  }
  const shape = file.tensors.get(name)?.shape ?? [];
  if (shape.length !== 2) throw wrong("is not a matrix");
  const [rows, columns] = shape as [number, number]; // two, as just checked
  const isDown = suffix === "lora_A.weight" || suffix === "lora_down.weight";
  const rank = isDown ? rows : columns;
  if (found.rank !== undefined && found.rank !== rank) throw wrong(`has rank ${rank}, its partner ${found.rank}`);
  return isDown ? { rank, down: values, inWidth: columns } : { rank, up: values, upRows: rows };
}

/** What PEFT's metadata says about alpha, as a function of rank; diffusers writes it since 0.34. */
function peftFactor(file: SafetensorsFile): (rank: number) => number {
  const text = file.metadata["lora_adapter_metadata"];
  if (text === undefined) return () => 1;
  let config: Record<string, unknown>;
  try {
    config = JSON.parse(text) as Record<string, unknown>; // fields are checked below
  } catch (cause) {
    throw fileError("WEIGHTS_INVALID", file.path, "its lora_adapter_metadata is not JSON", cause);
  }
  const pattern = config["transformer.alpha_pattern"];
  const hasPattern = typeof pattern === "object" && pattern !== null && Object.keys(pattern).length > 0;
  if (hasPattern || config["transformer.use_rslora"] === true || config["transformer.use_dora"] === true) {
    throw fileError("MODEL_UNSUPPORTED", file.path, "alpha patterns, rank-stabilised adapters and DoRA are not run");
  }
  const alpha = config["transformer.lora_alpha"];
  return typeof alpha === "number" ? (rank) => (rank === 0 ? 1 : alpha / rank) : () => 1;
}

/** All pairs that act on one module, side by side in the rank. */
function combine(
  file: SafetensorsFile,
  module: FluxModule,
  found: Map<string, FoundPair>,
  factor: (rank: number) => number,
): AdapterMatrices | undefined {
  const layouts = ["diffusers", "bfl"] as const;
  const sources = layouts.flatMap((layout) => sourcePairs(file, module, layout, found));
  if (sources.length === 0) return undefined;
  const rank = sources.reduce((sum, { pair }) => sum + pair.rank, 0);
  const down = new Float32Array(module.inWidth * rank);
  const up = new Float32Array(rank * module.outWidth);
  let rankStart = 0;
  for (const { pair, layout } of sources) {
    copyDown(down, rank, pair, rankStart);
    const scale = pair.alpha === undefined ? factor(pair.rank) : pair.alpha / Math.max(1, pair.rank);
    let column = 0;
    for (const { module: name, start, count } of partsOf(layout, module)) {
      const isOwn = sourceKey(layout, name) === pair.key;
      if (isOwn) copyUp(up, pair, { rankStart, column, outWidth: module.outWidth, start, count, scale });
      column += count;
    }
    rankStart += pair.rank;
  }
  return { rank, down, up };
}

/** Pairs of the modules in which one layout keeps a canonical module, each once. */
function sourcePairs(file: SafetensorsFile, module: FluxModule, layout: FluxLayout, found: Map<string, FoundPair>) {
  const rows = new Map<string, number>();
  for (const { module: name, count } of partsOf(layout, module)) rows.set(name, (rows.get(name) ?? 0) + count);
  const sources: { pair: SourcePair; layout: FluxLayout }[] = [];
  for (const [name, upRows] of rows) {
    const key = sourceKey(layout, name);
    const pair = found.get(key);
    if (pair === undefined) continue;
    sources.push({ pair: checkPair(file, { key, name, inWidth: module.inWidth, upRows }, pair), layout });
  }
  return sources;
}

function checkPair(
  file: SafetensorsFile,
  expected: { key: string; name: string; inWidth: number; upRows: number },
  { down, up, inWidth, upRows, rank, alpha }: FoundPair,
): SourcePair {
  const { key, name } = expected;
  if (down === undefined || up === undefined || inWidth === undefined || rank === undefined) {
    throw fileError("WEIGHTS_INVALID", file.path, `module "${name}" has only one of its two adapter matrices`);
  }
  if (inWidth !== expected.inWidth || upRows !== expected.upRows) {
    const needs = `${expected.inWidth} to ${expected.upRows}`;
    const what = `module "${name}" maps ${inWidth} to ${upRows}, this transformer's ${needs}`;
    throw fileError("WEIGHTS_INVALID", file.path, what);
  }
  return { key, down, up, inWidth, rank, alpha };
}

/** Transposes A [pair.rank, inWidth] into columns of `down`. */
function copyDown(down: Float32Array, rank: number, pair: SourcePair, rankStart: number): void {
  for (let k = 0; k < pair.rank; k++) {
    for (let i = 0; i < pair.inWidth; i++) {
      down[i * rank + rankStart + k] = pair.down[k * pair.inWidth + i]!; // in range
    }
  }
}

interface UpBlock {
  readonly rankStart: number;
  readonly column: number;
  readonly outWidth: number;
  readonly start: number;
  readonly count: number;
  readonly scale: number;
}

/** Transposes rows `start...` of B [upRows, pair.rank] into a block of `up`. */
function copyUp(up: Float32Array, pair: SourcePair, block: UpBlock): void {
  for (let k = 0; k < pair.rank; k++) {
    const row = (block.rankStart + k) * block.outWidth + block.column;
    for (let j = 0; j < block.count; j++) {
      up[row + j] = pair.up[(block.start + j) * pair.rank + k]! * block.scale; // in range
    }
  }
}
