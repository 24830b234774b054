// FLUX.1's single block: one stream of text and image tokens, attention and feed-forward side by side.
// Source: black-forest-labs/flux, modules/layers.py, SingleStreamBlock.

import type { Value } from "./onnx-graph.ts";
import {
  attention, gatedSum, headNorm, linear, modulatedNorm, modulation, type TransformerBuild,
} from "./transformer-layers.ts";

/** Adds one single block. `x`: [batch, textTokens + imageTokens, hidden]; `vector`: silu of the condition,
 *  [batch, 1, hidden]. Returns the stream, same shape as `x`. */
export function singleBlock(build: TransformerBuild, index: number, x: Value, vector: Value): Value {
  const { graph, weights } = build;
  const { hidden, mlpWidth } = weights.dimensions;
  const prefix = `single_blocks.${index}`;
  const [shift, scale, gate] = modulation(build, `${prefix}.modulation.lin`, vector, 3) as [Value, Value, Value];
  const wide = linear(build, `${prefix}.linear1`, modulatedNorm(build, x, shift, scale));
  const sizes = graph.integers([hidden, hidden, hidden, mlpWidth]);
  const split = graph.nodes("Split", [wide, sizes], 4, { axis: -1 });
  const [query, key, value, mlp] = split as [Value, Value, Value, Value]; // four outputs asked for
  const attended = attention(
    build,
    headNorm(build, `${prefix}.norm.query_norm.scale`, query),
    headNorm(build, `${prefix}.norm.key_norm.scale`, key),
    value,
  );
  const active = graph.node("Gelu", [mlp], { approximate: { text: "tanh" } });
  const joined = graph.node("Concat", [attended, active], { axis: -1 });
  return gatedSum(graph, x, gate, linear(build, `${prefix}.linear2`, joined));
}
