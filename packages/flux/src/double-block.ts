// FLUX.1's double block: image and text keep streams of their own and meet in one attention.
// Source: black-forest-labs/flux, modules/layers.py, DoubleStreamBlock.

import type { Value } from "./onnx-graph.ts";
import {
  attention, gatedSum, headNorm, linear, modulatedNorm, modulation, type TransformerBuild,
} from "./transformer-layers.ts";

export interface Streams {
  /** [batch, imageTokens, hidden] */
  readonly image: Value;
  /** [batch, textTokens, hidden] */
  readonly text: Value;
}

/** Adds one double block. `vector`: silu of the condition, [batch, 1, hidden]. `lengths`: int64 [2], text and image
 *  tokens, for taking the joint attention apart. */
export function doubleBlock(
  build: TransformerBuild,
  index: number,
  streams: Streams,
  { vector, lengths }: { vector: Value; lengths: Value },
): Streams {
  const { graph } = build;
  const image = streamInputs(build, `double_blocks.${index}.img`, streams.image, vector);
  const text = streamInputs(build, `double_blocks.${index}.txt`, streams.text, vector);
  const join = (part: "query" | "key" | "value") => graph.node("Concat", [text[part], image[part]], { axis: 1 });
  const attended = attention(build, join("query"), join("key"), join("value"));
  const [textAttended, imageAttended] = graph.nodes("Split", [attended, lengths], 2, { axis: 1 });
  return {
    image: finishStream(build, image, imageAttended!), // two outputs asked for
    text: finishStream(build, text, textAttended!),
  };
}

interface StreamInputs {
  /** Canonical prefix, `double_blocks.0.img`. */
  readonly prefix: string;
  readonly residual: Value;
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
  readonly gates: { attention: Value; shift: Value; scale: Value; mlp: Value };
}

function streamInputs(build: TransformerBuild, prefix: string, residual: Value, vector: Value): StreamInputs {
  const parts = modulation(build, `${prefix}_mod.lin`, vector, 6);
  const [shift, scale, gate, mlpShift, mlpScale, mlpGate] = parts as [Value, Value, Value, Value, Value, Value];
  const qkv = linear(build, `${prefix}_attn.qkv`, modulatedNorm(build, residual, shift, scale));
  const split = build.graph.nodes("Split", [qkv], 3, { axis: -1, num_outputs: 3 });
  const [query, key, value] = split as [Value, Value, Value]; // three outputs asked for
  return {
    prefix,
    residual,
    query: headNorm(build, `${prefix}_attn.norm.query_norm.scale`, query),
    key: headNorm(build, `${prefix}_attn.norm.key_norm.scale`, key),
    value,
    gates: { attention: gate, shift: mlpShift, scale: mlpScale, mlp: mlpGate },
  };
}

function finishStream(build: TransformerBuild, stream: StreamInputs, attended: Value): Value {
  const { graph } = build;
  const { prefix, gates } = stream;
  const projected = linear(build, `${prefix}_attn.proj`, attended);
  const middle = gatedSum(graph, stream.residual, gates.attention, projected);
  const wide = linear(build, `${prefix}_mlp.0`, modulatedNorm(build, middle, gates.shift, gates.scale));
  const active = graph.node("Gelu", [wide], { approximate: { text: "tanh" } });
  return gatedSum(graph, middle, gates.mlp, linear(build, `${prefix}_mlp.2`, active));
}
