// The small operations that FLUX.1's blocks are made of, as nodes of a graph.
// Source: black-forest-labs/flux, modules/layers.py.

import { moduleWeights, normScale, requireModule, type FluxWeights } from "./flux-weights.ts";
import { addAdapter } from "./lora-inputs.ts";
import type { OnnxGraph, Value } from "./onnx-graph.ts";

export const normEpsilon = 1e-6;

/** What every block needs: the graph, the weights, and values shared by all blocks. */
export interface TransformerBuild {
  readonly graph: OnnxGraph;
  readonly weights: FluxWeights;
  /** Rotary tables, one row per token (text, then image): [batch, tokens, headWidth / 2]. */
  readonly cos: Value;
  readonly sin: Value;
}

/** A linear module with its adapter: [batch, tokens, inWidth] to [batch, tokens, outWidth]. */
export function linear(build: TransformerBuild, name: string, x: Value): Value {
  const { graph, weights } = build;
  const { matrix, bias } = moduleWeights(graph, weights, name);
  const product = graph.node("Add", [graph.node("MatMul", [x, matrix]), bias]);
  return addAdapter(graph, requireModule(weights, name), x, product);
}

/** x · sigmoid(x). */
export function silu(graph: OnnxGraph, x: Value): Value {
  return graph.node("Mul", [x, graph.node("Sigmoid", [x])]);
}

/** LayerNorm without weights, then `(1 + scale) · x + shift`. `shift`, `scale`: [batch, 1, hidden]. */
export function modulatedNorm(build: TransformerBuild, x: Value, shift: Value, scale: Value): Value {
  const { graph, weights } = build;
  const { hidden } = weights.dimensions;
  const ones = graph.floats(Array.from({ length: hidden }, () => 1), [hidden]);
  const normed = graph.node("LayerNormalization", [x, ones], { axis: -1, epsilon: { float: normEpsilon } });
  const factor = graph.node("Add", [scale, graph.floats([1], [1])]);
  return graph.node("Add", [graph.node("Mul", [normed, factor]), shift]);
}

/** x + gate · change. `gate`: [batch, 1, hidden]. */
export function gatedSum(graph: OnnxGraph, x: Value, gate: Value, change: Value): Value {
  return graph.node("Add", [x, graph.node("Mul", [gate, change])]);
}

/** The modulation vectors of a block: `count` values [batch, 1, hidden]. `vector`: silu of the condition. */
export function modulation(build: TransformerBuild, name: string, vector: Value, count: number): Value[] {
  const { graph } = build;
  return graph.nodes("Split", [linear(build, name, vector)], count, { axis: -1, num_outputs: count });
}

/** Root-mean-square norm of every head: [batch, tokens, hidden] to the same. `name`: canonical norm name. */
export function headNorm(build: TransformerBuild, name: string, x: Value): Value {
  const { graph, weights } = build;
  const { heads, headWidth, hidden } = weights.dimensions;
  const split = graph.node("Reshape", [x, graph.integers([0, 0, heads, headWidth])]);
  const scale = normScale(graph, weights, name);
  const normed = graph.node("RMSNormalization", [split, scale], { axis: -1, epsilon: { float: normEpsilon } });
  return graph.node("Reshape", [normed, graph.integers([0, 0, hidden])]);
}

/** Rotates queries and keys by their positions and attends over all tokens; every value [batch, tokens, hidden]. */
export function attention(build: TransformerBuild, query: Value, key: Value, value: Value): Value {
  const { graph, weights, cos, sin } = build;
  const { heads } = weights.dimensions;
  const rotate = (x: Value) =>
    graph.node("RotaryEmbedding", [x, cos, sin], { interleaved: 1, num_heads: heads });
  return graph.node("MultiHeadAttention", [rotate(query), rotate(key), value], { num_heads: heads }, "com.microsoft");
}
