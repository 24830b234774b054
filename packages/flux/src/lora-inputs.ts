// Adapters as run-time inputs of the transformer's graph: two matrices per module, with a free rank (also 0) and one
// pair per picture of the batch. Changing the adapter changes what is fed; no session is opened.

import type { FluxModule } from "./flux-modules.ts";
import type { OnnxGraph, Value } from "./onnx-graph.ts";

/** Input of a module's first matrix: [batch, inWidth, rank]. */
export function downName(module: string): string {
  return `${module}/down`;
}

/** Input of a module's second matrix, already multiplied by the adapter's weight: [batch, rank, outWidth]. */
export function upName(module: string): string {
  return `${module}/up`;
}

/** Adds `x · down · up` to a module's product. `x`: [batch, tokens, inWidth]; `product`: [batch, tokens, outWidth].
 *  Every module has a rank of its own, so that an adapter may leave modules out. */
export function addAdapter(graph: OnnxGraph, module: FluxModule, x: Value, product: Value): Value {
  const rank = `rank of ${module.name}`;
  const down = graph.input(downName(module.name), "F32", ["batch", module.inWidth, rank]);
  const up = graph.input(upName(module.name), "F32", ["batch", rank, module.outWidth]);
  return graph.node("Add", [product, graph.node("MatMul", [graph.node("MatMul", [x, down]), up])]);
}
