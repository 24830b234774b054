// The whole FLUX.1 transformer as one graph: one call of it is one step of the sampler.
// Source: black-forest-labs/flux, model.py; diffusers, transformer_flux.py.

import { doubleBlock, type Streams } from "./double-block.ts";
import { timeChannels } from "./flux-modules.ts";
import type { FluxWeights } from "./flux-weights.ts";
import { OnnxGraph, type Value } from "./onnx-graph.ts";
import { singleBlock } from "./single-block.ts";
import { linear, modulatedNorm, modulation, silu, type TransformerBuild } from "./transformer-layers.ts";

/** Names of the graph's inputs and of its output, beside the adapters' (lora-inputs.ts). */
export const transformerNames = {
  /** Packed noisy latents: [batch, imageTokens, tokenChannels]. */
  latents: "hidden_states",
  /** Text encoder's output: [batch, textTokens, textWidth]. */
  text: "encoder_hidden_states",
  /** [batch, pooledWidth] */
  pooled: "pooled_projections",
  /** Sinusoidal embeddings (time-embedding.ts): [batch, 256]. */
  time: "timestep_projection",
  guidance: "guidance_projection",
  /** Rotary tables (rotary-table.ts): [batch, textTokens + imageTokens, headWidth / 2]. */
  cos: "rotary_cos",
  sin: "rotary_sin",
  /** Predicted velocity: [batch, imageTokens, tokenChannels]. */
  output: "sample",
} as const;

/** The ONNX model of a transformer; its weights stay in `weights.file`. */
export function transformerGraph(weights: FluxWeights): Uint8Array {
  const graph = new OnnxGraph();
  const d = weights.dimensions;
  const half = d.headWidth / 2;
  const latents = graph.input(transformerNames.latents, "F32", ["batch", "image tokens", d.tokenChannels]);
  const textStates = graph.input(transformerNames.text, "F32", ["batch", "text tokens", d.textWidth]);
  const cos = graph.input(transformerNames.cos, "F32", ["batch", "tokens", half]);
  const sin = graph.input(transformerNames.sin, "F32", ["batch", "tokens", half]);
  const build: TransformerBuild = { graph, weights, cos, sin };
  const vector = silu(graph, condition(build));
  const lengths = graph.node("Concat", [tokenCount(graph, textStates), tokenCount(graph, latents)], { axis: 0 });

  let streams: Streams = { image: linear(build, "img_in", latents), text: linear(build, "txt_in", textStates) };
  for (let i = 0; i < d.doubleBlocks; i++) streams = doubleBlock(build, i, streams, { vector, lengths });
  let joined = graph.node("Concat", [streams.text, streams.image], { axis: 1 });
  for (let i = 0; i < d.singleBlocks; i++) joined = singleBlock(build, i, joined, vector);
  const image = graph.nodes("Split", [joined, lengths], 2, { axis: 1 })[1]!; // two outputs asked for

  const [shift, scale] = modulation(build, "final_layer.adaLN_modulation.1", vector, 2) as [Value, Value];
  const velocity = linear(build, "final_layer.linear", modulatedNorm(build, image, shift, scale));
  graph.output(transformerNames.output, "F32", ["batch", "image tokens", d.tokenChannels], velocity);
  return graph.toBytes();
}

/** Time, guidance and pooled text as one vector: [batch, 1, hidden]. */
function condition(build: TransformerBuild): Value {
  const { graph, weights } = build;
  const { hasGuidance, pooledWidth } = weights.dimensions;
  const embed = (input: string, width: number, module: string): Value => {
    const flat = graph.input(input, "F32", ["batch", width]);
    const row = graph.node("Unsqueeze", [flat, graph.integers([1])]);
    return linear(build, `${module}.out_layer`, silu(graph, linear(build, `${module}.in_layer`, row)));
  };
  let sum = embed(transformerNames.time, timeChannels, "time_in");
  if (hasGuidance) {
    sum = graph.node("Add", [sum, embed(transformerNames.guidance, timeChannels, "guidance_in")]);
  }
  return graph.node("Add", [sum, embed(transformerNames.pooled, pooledWidth, "vector_in")]);
}

/** Second dimension of a value, as int64 [1]. */
function tokenCount(graph: OnnxGraph, x: Value): Value {
  return graph.node("Shape", [x], { start: 1, end: 2 });
}
