// The enlarger: a stack of convolutions that makes a picture four times as wide and high. Its output is the input with
// every pixel repeated, plus the detail that the convolutions add. Source: training/enlarger_network.py of this project
// (after Du et al., "Anchor-based Plain Net for Mobile Image Super-Resolution", 2021).

import { fileError } from "./errors.ts";
import { OnnxGraph, type Value } from "./onnx-graph.ts";
import type { SafetensorsFile } from "./safetensors.ts";
import { requireShape, weight } from "./weight-slice.ts";

export const enlargerNames = {
  /** -1 to 1: [1, 3, height, width] */
  picture: "picture",
  /** About -1 to 1, not clamped: [1, 3, 4 * height, 4 * width] */
  output: "enlarged",
} as const;

/** Output pixels for one of the input, in each direction. */
export const enlargerFactor = 4;
const colours = 3;

/** The ONNX model of an enlarger; its weights stay in the file.
 *  Throws MODEL_UNSUPPORTED when the file has no `layers.0`, WEIGHTS_INVALID when a tensor's shape is wrong. */
export function enlargerGraph(file: SafetensorsFile): Uint8Array {
  const graph = new OnnxGraph();
  const picture = graph.input(enlargerNames.picture, "F32", [1, colours, "height", "width"]);
  let x = picture;
  let channels = colours;
  for (let index = 0, last = lastLayer(file); index <= last; index++) {
    const out = index === last ? colours * enlargerFactor ** 2 : requireShape(file, `layers.${index}.bias`, [-1]).shape[0]!; // one size
    x = convolution(graph, file, { name: `layers.${index}`, shape: [out, channels, 3, 3] }, x);
    if (index < last) x = graph.node("Relu", [x]);
    channels = out;
  }
  // The channel order of torch's pixel_shuffle is the operator's "CRD".
  const detail = graph.node("DepthToSpace", [x], { blocksize: enlargerFactor, mode: { text: "CRD" } });
  const sum = graph.node("Add", [detail, repeatPixels(graph, picture)]);
  graph.output(enlargerNames.output, "F32", [1, colours, "enlarged height", "enlarged width"], sum);
  return graph.toBytes();
}

function lastLayer(file: SafetensorsFile): number {
  const last = file.tensors.size / 2 - 1; // a weight and a bias for each layer
  if (Number.isInteger(last) && last >= 1 && file.tensors.has(`layers.${last}.weight`)) return last;
  throw fileError("MODEL_UNSUPPORTED", file.path, "is no enlarger (it has no layers.0, layers.1 … with weight and bias)");
}

function convolution(
  graph: OnnxGraph,
  file: SafetensorsFile,
  { name, shape }: { name: string; shape: readonly number[] },
  x: Value,
): Value {
  const inputs = [x, weight(graph, file, `${name}.weight`, shape), weight(graph, file, `${name}.bias`, [shape[0]!])];
  return graph.node("Conv", inputs, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
}

function repeatPixels(graph: OnnxGraph, picture: Value): Value {
  const scales = graph.floats([1, 1, enlargerFactor, enlargerFactor], [4]);
  return graph.node("Resize", [picture, "", scales], {
    mode: { text: "nearest" },
    nearest_mode: { text: "floor" },
    coordinate_transformation_mode: { text: "asymmetric" },
  });
}
