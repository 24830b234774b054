import { Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { adapterFeeds } from "./adapter-feeds.ts";
import { doubleBlock } from "./double-block.ts";
import { fluxModules } from "./flux-modules.ts";
import type { FluxWeights } from "./flux-weights.ts";
import { OnnxGraph } from "./onnx-graph.ts";
import { openSession } from "./open-session.ts";
import { rotaryTable } from "./rotary-table.ts";
import { singleBlock } from "./single-block.ts";
import { asModelFile, readGolden, relativeError, scratch } from "./testing/golden.ts";
import { goldenDimensions } from "./testing/layouts.ts";
import { silu, type TransformerBuild } from "./transformer-layers.ts";

const batch = 2;
const textTokens = 8;
const imageTokens = 24;
const { hidden } = goldenDimensions;
const tolerance = 1e-5;

/** A graph around one block whose weights are the golden file's, under `prefix`. */
async function runBlock(
  name: "double-block" | "single-block",
  prefix: string,
  add: (build: TransformerBuild, inputs: { image: string; text: string; vector: string }) => void,
): Promise<{ image: Float32Array; text: Float32Array }> {
  return scratch(async (folder) => {
    const { weights, inputs } = await readGolden(name);
    const file = await asModelFile(folder, weights.map((tensor) => ({ ...tensor, name: prefix + tensor.name })));
    const modules = new Map(fluxModules(goldenDimensions).map((module) => [module.name, module]));
    const fluxWeights: FluxWeights = { file, layout: "diffusers", dimensions: goldenDimensions, modules };
    const graph = new OnnxGraph();
    const build = {
      graph,
      weights: fluxWeights,
      cos: graph.input("cos", "F32", [batch, "tokens", 16]),
      sin: graph.input("sin", "F32", [batch, "tokens", 16]),
    };
    add(build, {
      image: graph.input("image", "F32", [batch, "image", hidden]),
      text: graph.input("text", "F32", [batch, "text", hidden]),
      vector: silu(graph, graph.input("vector", "F32", [batch, 1, hidden])),
    });
    const session = await openSession(graph.toBytes(), file, { threads: 1 });
    const table = rotaryTable({ textTokens, rows: 4, columns: 6, axes: [8, 12, 12] });
    const twice = (values: Float32Array) => Float32Array.from([...values, ...values]);
    const float = (values: Float32Array, shape: number[]) => new Tensor("float32", values, shape);
    const feeds: Record<string, Tensor> = {
      ...adapterFeeds(modules.values(), [[], []]),
      image: float(inputs.get("hidden_states")!, [batch, imageTokens, hidden]), // the golden file has all four
      text: float(inputs.get("encoder_hidden_states")!, [batch, textTokens, hidden]),
      vector: float(inputs.get("temb")!, [batch, 1, hidden]),
      cos: float(twice(table.cos), [batch, textTokens + imageTokens, 16]),
      sin: float(twice(table.sin), [batch, textTokens + imageTokens, 16]),
    };
    const needed = Object.fromEntries(session.inputNames.map((input) => [input, feeds[input]!])); // all are fed
    const output = await session.run(needed);
    await session.release();
    return { image: output["image out"]!.data as Float32Array, text: output["text out"]!.data as Float32Array };
  });
}

test("a double block equals diffusers in both streams", async () => {
  const { outputs } = await readGolden("double-block");
  const own = await runBlock("double-block", "transformer_blocks.0.", (build, { image, text, vector }) => {
    const lengths = build.graph.integers([textTokens, imageTokens]);
    const streams = doubleBlock(build, 0, { image, text }, { vector, lengths });
    build.graph.output("image out", "F32", [batch, "image", hidden], streams.image);
    build.graph.output("text out", "F32", [batch, "text", hidden], streams.text);
  });
  expect(relativeError(own.image, outputs.get("hidden_states")!)).toBeLessThan(tolerance);
  expect(relativeError(own.text, outputs.get("encoder_hidden_states")!)).toBeLessThan(tolerance);
});

test("a single block equals diffusers", async () => {
  const { outputs } = await readGolden("single-block");
  const own = await runBlock("single-block", "single_transformer_blocks.0.", (build, { image, text, vector }) => {
    const { graph } = build;
    const joined = singleBlock(build, 0, graph.node("Concat", [text, image], { axis: 1 }), vector);
    const [textOut, imageOut] = graph.nodes("Split", [joined, graph.integers([textTokens, imageTokens])], 2, { axis: 1 });
    graph.output("text out", "F32", [batch, "text", hidden], textOut!); // two outputs asked for
    graph.output("image out", "F32", [batch, "image", hidden], imageOut!);
  });
  expect(relativeError(own.image, outputs.get("hidden_states")!)).toBeLessThan(tolerance);
  expect(relativeError(own.text, outputs.get("encoder_hidden_states")!)).toBeLessThan(tolerance);
});
