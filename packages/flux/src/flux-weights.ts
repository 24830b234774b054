// Reads off a transformer file which layout it has and what its shapes say, and hands its weights to the graph.

import { fileError } from "./errors.ts";
import { diffusersNormName, fluxModules, type FluxDimensions, type FluxModule, type ModulePart } from "./flux-modules.ts";
import type { OnnxGraph, Value } from "./onnx-graph.ts";
import { requireTensor, type SafetensorsFile } from "./safetensors.ts";
import { requireShape, weight, weightRows } from "./weight-slice.ts";

export type FluxLayout = "diffusers" | "bfl";

export interface FluxWeights {
  readonly file: SafetensorsFile;
  readonly layout: FluxLayout;
  readonly dimensions: FluxDimensions;
  readonly modules: ReadonlyMap<string, FluxModule>;
}

/** Recognises a FLUX.1 transformer by its tensors' names and reads its dimensions off their shapes.
 *  Throws WEIGHTS_INVALID when tensors are missing or shapes contradict each other, MODEL_UNSUPPORTED when the file
 *  is no FLUX.1 transformer. */
export function readFluxWeights(file: SafetensorsFile): FluxWeights {
  const layout = detectLayout(file);
  const dimensions = readDimensions(file, layout);
  const modules = new Map(fluxModules(dimensions).map((module) => [module.name, module]));
  const weights = { file, layout, dimensions, modules };
  for (const module of modules.values()) checkModule(weights, module);
  return weights;
}

/** Weight of a canonical module as the graph's products want it, [inWidth, outWidth]; its transposition is folded
 *  when the session opens. `bias`: [outWidth]. */
export function moduleWeights(graph: OnnxGraph, weights: FluxWeights, name: string): { matrix: Value; bias: Value } {
  const module = requireModule(weights, name);
  const parts = partsOf(weights.layout, module);
  const join = (suffix: string): Value => {
    const values = parts.map((part) => weightRows(graph, weights.file, `${part.module}.${suffix}`, part));
    return values.length === 1 ? values[0]! : graph.node("Concat", values, { axis: 0 }); // length just checked
  };
  return { matrix: graph.node("Transpose", [join("weight")], { perm: [1, 0] }), bias: join("bias") };
}

/** Scale of a query or key norm: [headWidth]. `name`: canonical. */
export function normScale(graph: OnnxGraph, weights: FluxWeights, name: string): Value {
  const own = weights.layout === "bfl" ? name : diffusersNormName(name);
  return weight(graph, weights.file, own, [weights.dimensions.headWidth]);
}

/** The canonical module of that name. A name that no FLUX.1 transformer has is a fault of the caller. */
export function requireModule(weights: FluxWeights, name: string): FluxModule {
  const module = weights.modules.get(name);
  if (module === undefined) throw new Error(`no module "${name}" in this transformer`);
  return module;
}

/** Where a layout keeps the rows of a canonical module. */
export function partsOf(layout: FluxLayout, module: FluxModule): readonly ModulePart[] {
  return layout === "diffusers" ? module.diffusers : [{ module: module.name, start: 0, count: module.outWidth }];
}

function detectLayout(file: SafetensorsFile): FluxLayout {
  if (file.tensors.has("x_embedder.weight")) return "diffusers";
  if (file.tensors.has("img_in.weight")) return "bfl";
  throw fileError("MODEL_UNSUPPORTED", file.path, "is no FLUX.1 transformer (neither x_embedder nor img_in is there)");
}

function readDimensions(file: SafetensorsFile, layout: FluxLayout): FluxDimensions {
  const bfl = layout === "bfl";
  const shape = (name: string) => requireTensor(file, name).shape as readonly [number, number];
  const double = bfl ? "double_blocks" : "transformer_blocks";
  const single = bfl ? "single_blocks" : "single_transformer_blocks";
  const [hidden, tokenChannels] = shape(bfl ? "img_in.weight" : "x_embedder.weight");
  const [, textWidth] = shape(bfl ? "txt_in.weight" : "context_embedder.weight");
  const [, pooledWidth] = shape(bfl ? "vector_in.in_layer.weight" : "time_text_embed.text_embedder.linear_1.weight");
  const guidance = bfl ? "guidance_in.in_layer.weight" : "time_text_embed.guidance_embedder.linear_1.weight";
  const [mlpWidth] = shape(bfl ? `${double}.0.img_mlp.0.weight` : `${double}.0.ff.net.0.proj.weight`);
  const [headWidth] = shape(bfl ? `${double}.0.img_attn.norm.query_norm.scale` : `${double}.0.attn.norm_q.weight`);
  if (headWidth === 0 || hidden % headWidth !== 0) {
    throw fileError("WEIGHTS_INVALID", file.path, `width ${hidden} is no multiple of the heads' width ${headWidth}`);
  }
  return {
    doubleBlocks: countBlocks(file, double),
    singleBlocks: countBlocks(file, single),
    hidden,
    heads: hidden / headWidth,
    headWidth,
    mlpWidth,
    tokenChannels,
    textWidth,
    pooledWidth,
    hasGuidance: file.tensors.has(guidance),
  };
}

function countBlocks(file: SafetensorsFile, prefix: string): number {
  const indexes = new Set<number>();
  for (const name of file.tensors.keys()) {
    const match = name.startsWith(`${prefix}.`) ? /^\d+/.exec(name.slice(prefix.length + 1)) : null;
    if (match !== null) indexes.add(Number(match[0]));
  }
  if (indexes.size > 0 && Math.max(...indexes) !== indexes.size - 1) {
    throw fileError("WEIGHTS_INVALID", file.path, `${prefix} are not numbered from 0 without gaps`);
  }
  return indexes.size;
}

function checkModule(weights: FluxWeights, module: FluxModule): void {
  const rows = new Map<string, number>();
  for (const part of partsOf(weights.layout, module)) {
    rows.set(part.module, (rows.get(part.module) ?? 0) + part.count);
  }
  for (const [name, count] of rows) {
    requireShape(weights.file, `${name}.weight`, [count, module.inWidth]);
    requireShape(weights.file, `${name}.bias`, [count]);
  }
}
