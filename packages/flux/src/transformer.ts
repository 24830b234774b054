// Runs the transformer: one call per step, for a batch of pictures of one size and text length.

import { Tensor, type InferenceSession } from "onnxruntime-node";
import { adapterFeeds, type WeightedAdapter } from "./adapter-feeds.ts";
import { timeChannels } from "./flux-modules.ts";
import { readFluxWeights, type FluxWeights } from "./flux-weights.ts";
import { openSession, type SessionOptions } from "./open-session.ts";
import { fluxRotaryAxes, rotaryTable } from "./rotary-table.ts";
import type { SafetensorsFile } from "./safetensors.ts";
import { timeEmbedding } from "./time-embedding.ts";
import { transformerGraph, transformerNames } from "./transformer-graph.ts";

/** What stays the same over all steps of a batch. */
export interface BatchConditions {
  /** Packed latents: rows and columns of tokens. */
  readonly rows: number;
  readonly columns: number;
  readonly textTokens: number;
  /** One entry per picture. */
  readonly pictures: readonly {
    /** [textTokens, textWidth] */
    readonly text: Float32Array;
    /** [pooledWidth] */
    readonly pooled: Float32Array;
    readonly guidanceScale: number;
    readonly adapters: readonly WeightedAdapter[];
  }[];
}

/** Predicts the velocity at `sigmas` (one per picture) from packed latents [batch, rows * columns, tokenChannels];
 *  same shape back. */
export type PredictVelocity = (latents: Float32Array, sigmas: readonly number[]) => Promise<Float32Array>;

/** A loaded transformer. */
export class Transformer {
  readonly weights: FluxWeights;
  readonly #session: InferenceSession;
  readonly #axes: readonly number[];

  private constructor(weights: FluxWeights, session: InferenceSession, axes: readonly number[]) {
    this.weights = weights;
    this.#session = session;
    this.#axes = axes;
  }

  /** `rotaryAxes`: widths per axis when they are not FLUX.1's own. */
  static async open(
    file: SafetensorsFile,
    options: SessionOptions & { readonly rotaryAxes?: readonly number[] },
  ): Promise<Transformer> {
    const weights = readFluxWeights(file);
    const session = await openSession(transformerGraph(weights), file, options);
    return new Transformer(weights, session, options.rotaryAxes ?? fluxRotaryAxes);
  }

  /** Prepares everything that does not change from step to step. */
  prepare(conditions: BatchConditions): PredictVelocity {
    const { dimensions } = this.weights;
    const { rows, columns, pictures } = conditions;
    const batch = pictures.length;
    const constant = this.#constantFeeds(conditions);
    const shape = [batch, rows * columns, dimensions.tokenChannels];
    return async (latents, sigmas) => {
      const output = await this.#session.run({
        ...constant,
        [transformerNames.latents]: new Tensor("float32", latents, shape),
        [transformerNames.time]: new Tensor("float32", timeEmbedding(sigmas), [batch, timeChannels]),
      });
      return output[transformerNames.output]!.data as Float32Array; // the graph declares it float32
    };
  }

  async close(): Promise<void> {
    await this.#session.release();
  }

  #constantFeeds({ rows, columns, textTokens, pictures }: BatchConditions): Record<string, Tensor> {
    const { dimensions, modules } = this.weights;
    const batch = pictures.length;
    const table = rotaryTable({ textTokens, rows, columns, axes: this.#axes });
    const tableShape = [batch, textTokens + rows * columns, dimensions.headWidth / 2];
    const text = concatenate(pictures.map((picture) => picture.text));
    const pooled = concatenate(pictures.map((picture) => picture.pooled));
    const feeds: Record<string, Tensor> = {
      ...adapterFeeds(modules.values(), pictures.map((picture) => picture.adapters)),
      [transformerNames.text]: new Tensor("float32", text, [batch, textTokens, dimensions.textWidth]),
      [transformerNames.pooled]: new Tensor("float32", pooled, [batch, dimensions.pooledWidth]),
      [transformerNames.cos]: new Tensor("float32", repeat(table.cos, batch), tableShape),
      [transformerNames.sin]: new Tensor("float32", repeat(table.sin, batch), tableShape),
    };
    if (dimensions.hasGuidance) {
      const guidance = timeEmbedding(pictures.map((picture) => picture.guidanceScale));
      feeds[transformerNames.guidance] = new Tensor("float32", guidance, [batch, timeChannels]);
    }
    return feeds;
  }
}

function concatenate(arrays: readonly Float32Array[]): Float32Array {
  if (arrays.length === 1) return arrays[0]!; // length just checked
  const out = new Float32Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let position = 0;
  for (const array of arrays) {
    out.set(array, position);
    position += array.length;
  }
  return out;
}

function repeat(array: Float32Array, count: number): Float32Array {
  return concatenate(Array.from({ length: count }, () => array));
}
