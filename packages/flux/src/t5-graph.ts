// T5 encoder, version 1.1 (gated GELU, no biases), without a mask: padding is attended to, as FLUX.1 does.
// Source: transformers, modeling_t5.py (T5Attention, T5LayerFF, T5LayerNorm).

import { fileError } from "./errors.ts";
import { OnnxGraph, type Value } from "./onnx-graph.ts";
import { requireTensor, type SafetensorsFile } from "./safetensors.ts";
import { rawWeight, weight } from "./weight-slice.ts";

export const t5Names = {
  /** Token ids: int64 [batch, tokens]. */
  ids: "input_ids",
  /** Bucket of every pair of positions (`relativeBuckets`): int64 [tokens, tokens]. */
  buckets: "relative_buckets",
  /** [batch, tokens, width] */
  output: "last_hidden_state",
} as const;

export interface T5Config {
  readonly bucketCount: number;
  readonly maxDistance: number;
  readonly epsilon: number;
}

interface T5Build {
  readonly graph: OnnxGraph;
  readonly file: SafetensorsFile;
  readonly width: number;
  readonly innerWidth: number;
  readonly heads: number;
  readonly epsilon: number;
}

/** Width of the encoder's output, read off the file. */
export function t5Width(file: SafetensorsFile): number {
  return requireTensor(file, tableName(file)).shape[1] ?? 0;
}

/** The ONNX model of an encoder; its weights stay in the file. Throws WEIGHTS_INVALID when tensors are missing or of
 *  other shapes, MODEL_UNSUPPORTED for an encoder that is not of version 1.1. */
export function t5Graph(file: SafetensorsFile, config: T5Config): Uint8Array {
  if (!file.tensors.has(`${block(0)}.1.DenseReluDense.wi_0.weight`)) {
    throw fileError("MODEL_UNSUPPORTED", file.path, "is no T5 encoder of version 1.1 (gated feed-forward)");
  }
  const graph = new OnnxGraph();
  const width = t5Width(file);
  const biasTable = `${block(0)}.0.SelfAttention.relative_attention_bias.weight`;
  const heads = requireTensor(file, biasTable).shape[1] ?? 0;
  const innerWidth = requireTensor(file, `${block(0)}.0.SelfAttention.q.weight`).shape[0] ?? 0;
  const build: T5Build = { graph, file, width, innerWidth, heads, epsilon: config.epsilon };

  const ids = graph.input(t5Names.ids, "I64", ["batch", "tokens"]);
  const table = rawWeight(graph, file, tableName(file), [-1, width]);
  let x = graph.node("Cast", [graph.node("Gather", [table, ids])], { to: 1 });
  const bias = attentionBias(build, weight(graph, file, biasTable, [config.bucketCount, heads]));
  for (let i = 0; file.tensors.has(`${block(i)}.0.layer_norm.weight`); i++) {
    x = graph.node("Add", [x, selfAttention(build, `${block(i)}.0`, x, bias)]);
    x = graph.node("Add", [x, feedForward(build, `${block(i)}.1`, x)]);
  }
  const normed = norm(build, "encoder.final_layer_norm.weight", x);
  graph.output(t5Names.output, "F32", ["batch", "tokens", width], normed);
  return graph.toBytes();
}

/** Bucket of every (query, key) pair of positions, bidirectional: int64 [tokens, tokens].
 *  Near distances have a bucket each, far ones share logarithmically wider ones. */
export function relativeBuckets(tokens: number, { bucketCount, maxDistance }: T5Config): BigInt64Array {
  const half = bucketCount / 2;
  const exact = half / 2;
  const out = new BigInt64Array(tokens * tokens);
  for (let query = 0; query < tokens; query++) {
    for (let key = 0; key < tokens; key++) {
      const distance = Math.abs(key - query);
      // float32 as in the reference: the bucket at a boundary depends on it.
      const ratio = Math.fround(Math.fround(Math.log(Math.fround(distance / exact))) / Math.log(maxDistance / exact));
      const far = exact + Math.trunc(Math.fround(ratio * (half - exact)));
      const bucket = distance < exact ? distance : Math.min(far, half - 1);
      out[query * tokens + key] = BigInt(bucket + (key > query ? half : 0));
    }
  }
  return out;
}

function block(index: number): string {
  return `encoder.block.${index}.layer`;
}

function tableName(file: SafetensorsFile): string {
  return file.tensors.has("shared.weight") ? "shared.weight" : "encoder.embed_tokens.weight";
}

/** Learned bias of every pair of positions: [1, heads, tokens, tokens]. `table`: [bucketCount, heads]. */
function attentionBias({ graph }: T5Build, table: Value): Value {
  const buckets = graph.input(t5Names.buckets, "I64", ["tokens", "tokens"]);
  const perPair = graph.node("Transpose", [graph.node("Gather", [table, buckets])], { perm: [2, 0, 1] });
  return graph.node("Unsqueeze", [perPair, graph.integers([0])]);
}

function norm({ graph, file, width, epsilon }: T5Build, name: string, x: Value): Value {
  const scale = weight(graph, file, name, [width]);
  return graph.node("RMSNormalization", [x, scale], { axis: -1, epsilon: { float: epsilon } });
}

/** x · weightᵀ; `shape`: of the weight, [outWidth, inWidth]. */
function product({ graph, file }: T5Build, name: string, x: Value, shape: readonly number[]): Value {
  const matrix = graph.node("Transpose", [weight(graph, file, `${name}.weight`, shape)], { perm: [1, 0] });
  return graph.node("MatMul", [x, matrix]);
}

function selfAttention(build: T5Build, prefix: string, x: Value, bias: Value): Value {
  const { graph, width, innerWidth, heads } = build;
  const normed = norm(build, `${prefix}.layer_norm.weight`, x);
  const [query, key, value] = ["q", "k", "v"].map((kind) =>
    product(build, `${prefix}.SelfAttention.${kind}`, normed, [innerWidth, width]),
  ) as [Value, Value, Value]; // three kinds
  // T5 does not scale its scores: the factor went into the initialisation.
  const attributes = { num_heads: heads, scale: { float: 1 } };
  const attended = graph.node("MultiHeadAttention", [query, key, value, "", "", bias], attributes, "com.microsoft");
  return product(build, `${prefix}.SelfAttention.o`, attended, [width, innerWidth]);
}

function feedForward(build: T5Build, prefix: string, x: Value): Value {
  const { graph, width } = build;
  const normed = norm(build, `${prefix}.layer_norm.weight`, x);
  const gate = product(build, `${prefix}.DenseReluDense.wi_0`, normed, [-1, width]);
  const linear = product(build, `${prefix}.DenseReluDense.wi_1`, normed, [-1, width]);
  const active = graph.node("Mul", [graph.node("Gelu", [gate], { approximate: { text: "tanh" } }), linear]);
  return product(build, `${prefix}.DenseReluDense.wo`, active, [width, -1]);
}
