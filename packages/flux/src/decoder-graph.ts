// The decoder of the tiny autoencoder (TAEF1's layout): latents to a picture several times as wide and high.
// Source: diffusers, autoencoders/vae.py, DecoderTiny; the number of blocks and channels is read off the file.

import { fileError } from "./errors.ts";
import { OnnxGraph, type Value } from "./onnx-graph.ts";
import type { SafetensorsFile } from "./safetensors.ts";
import { requireShape, weight } from "./weight-slice.ts";

export const decoderNames = {
  /** [batch, channels, height, width] */
  latents: "latents",
  /** About -1 to 1, not clamped: [batch, 3, scale * height, scale * width]. */
  output: "sample",
} as const;

/** The ONNX model of a decoder; its weights stay in the file.
 *  Throws MODEL_UNSUPPORTED when the file has no `decoder.layers.N`, WEIGHTS_INVALID when a tensor's shape is wrong. */
export function decoderGraph(file: SafetensorsFile): Uint8Array {
  const graph = new OnnxGraph();
  const channels = latentChannels(file);
  const latents = graph.input(decoderNames.latents, "F32", ["batch", channels, "height", "width"]);
  const three = graph.floats([3], [1]);
  let x = graph.node("Mul", [graph.node("Tanh", [graph.node("Div", [latents, three])]), three]);
  for (let index = 0, last = lastLayer(file); index <= last; index++) x = layer(graph, file, index, x);
  const doubled = graph.node("Mul", [x, graph.floats([2], [1])]);
  const centred = graph.node("Sub", [doubled, graph.floats([1], [1])]);
  graph.output(decoderNames.output, "F32", ["batch", 3, "picture height", "picture width"], centred);
  return graph.toBytes();
}

/** Channels of the latents that this decoder takes. Throws MODEL_UNSUPPORTED when it is no tiny decoder. */
export function latentChannels(file: SafetensorsFile): number {
  if (!file.tensors.has("decoder.layers.0.weight")) {
    throw fileError("MODEL_UNSUPPORTED", file.path, "is no tiny autoencoder (it has no decoder.layers.0.weight)");
  }
  return requireShape(file, "decoder.layers.0.weight", [-1, -1, 3, 3]).shape[1]!; // four sizes, as just checked
}

/** How many times as wide and high as its latents a decoder's picture is: 2 for every layer that has no weights, but for
 *  the activation at index 1. */
export function decoderScale(file: SafetensorsFile): number {
  const withWeights = new Set<number>();
  for (const name of file.tensors.keys()) {
    const index = /^decoder\.layers\.(\d+)\./.exec(name)?.[1];
    if (index !== undefined) withWeights.add(Number(index));
  }
  const withoutWeights = lastLayer(file) + 1 - withWeights.size;
  return 2 ** Math.max(0, withoutWeights - 1);
}

function lastLayer(file: SafetensorsFile): number {
  const indexes = [...file.tensors.keys()].map((name) => Number(/^decoder\.layers\.(\d+)\./.exec(name)?.[1] ?? 0));
  const last = Math.max(...indexes);
  if (last > file.tensors.size * 3) throw fileError("WEIGHTS_INVALID", file.path, "numbers its layers with gaps");
  return last;
}

/** A layer with tensors is a convolution or a block; of those without, the first is the activation and the others
 *  double the size. */
function layer(graph: OnnxGraph, file: SafetensorsFile, index: number, x: Value): Value {
  const name = `decoder.layers.${index}`;
  if (file.tensors.has(`${name}.weight`)) return convolution(graph, file, name, x);
  if (file.tensors.has(`${name}.conv.0.weight`)) return residualBlock(graph, file, name, x);
  return index === 1 ? graph.node("Relu", [x]) : doubleSize(graph, x);
}

function convolution(graph: OnnxGraph, file: SafetensorsFile, name: string, x: Value): Value {
  const { shape } = requireShape(file, `${name}.weight`, [-1, -1, -1, -1]);
  const [outChannels, , kernel] = shape as [number, number, number, number];
  const inputs = [x, weight(graph, file, `${name}.weight`, shape)];
  if (file.tensors.has(`${name}.bias`)) inputs.push(weight(graph, file, `${name}.bias`, [outChannels]));
  const padding = (kernel - 1) / 2;
  return graph.node("Conv", inputs, {
    kernel_shape: [kernel, kernel],
    pads: [padding, padding, padding, padding],
  });
}

function residualBlock(graph: OnnxGraph, file: SafetensorsFile, name: string, x: Value): Value {
  let branch = graph.node("Relu", [convolution(graph, file, `${name}.conv.0`, x)]);
  branch = graph.node("Relu", [convolution(graph, file, `${name}.conv.2`, branch)]);
  branch = convolution(graph, file, `${name}.conv.4`, branch);
  const skip = file.tensors.has(`${name}.skip.weight`) ? convolution(graph, file, `${name}.skip`, x) : x;
  return graph.node("Relu", [graph.node("Add", [branch, skip])]);
}

function doubleSize(graph: OnnxGraph, x: Value): Value {
  const scales = graph.floats([1, 1, 2, 2], [4]);
  return graph.node("Resize", [x, "", scales], {
    mode: { text: "nearest" },
    nearest_mode: { text: "floor" },
    coordinate_transformation_mode: { text: "asymmetric" },
  });
}
