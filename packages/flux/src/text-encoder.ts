// Runs the text encoder: a prompt to what the transformer reads.

import { Tensor, type InferenceSession } from "onnxruntime-node";
import { openSession, type SessionOptions } from "./open-session.ts";
import type { PipelineFiles } from "./pipeline-files.ts";
import { pooledMean, promptTokens } from "./prompt-tokens.ts";
import { relativeBuckets, t5Graph, t5Names, type T5Config } from "./t5-graph.ts";

export interface TextStates {
  readonly tokens: number;
  /** [tokens, width] */
  readonly states: Float32Array;
  /** Mean over tokens that are not padding: [width]. */
  readonly pooled: Float32Array;
}

/** A loaded text encoder with its tokenizer. */
export class TextEncoder5 {
  readonly #session: InferenceSession;
  readonly #files: PipelineFiles;

  private constructor(session: InferenceSession, files: PipelineFiles) {
    this.#session = session;
    this.#files = files;
  }

  static async open(files: PipelineFiles, options: SessionOptions): Promise<TextEncoder5> {
    const file = files.weights.textEncoder;
    return new TextEncoder5(await openSession(t5Graph(file, files.t5), file, options), files);
  }

  async encode(prompt: string): Promise<TextStates> {
    const { ids } = promptTokens(this.#files.tokenizer, prompt, this.#files.settings.text);
    const states = await runT5(this.#session, [ids], this.#files.t5);
    return { tokens: ids.length, states, pooled: pooledMean(states, ids) };
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

/** Runs a T5 session on rows of ids of one length: [batch, tokens, width]. */
export async function runT5(
  session: InferenceSession,
  rows: readonly (readonly number[])[],
  config: T5Config,
): Promise<Float32Array> {
  const tokens = rows[0]?.length ?? 0;
  const ids = BigInt64Array.from(rows.flat(), BigInt);
  const output = await session.run({
    [t5Names.ids]: new Tensor("int64", ids, [rows.length, tokens]),
    [t5Names.buckets]: new Tensor("int64", relativeBuckets(tokens, config), [tokens, tokens]),
  });
  return output[t5Names.output]!.data as Float32Array; // the graph declares it float32
}
