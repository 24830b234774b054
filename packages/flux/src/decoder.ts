// Runs the decoder of the tiny autoencoder: latents to pixels.

import { Tensor, type InferenceSession } from "onnxruntime-node";
import { decoderGraph, decoderNames, latentChannels } from "./decoder-graph.ts";
import { latentScale, toPixels, unpackLatents, type LatentSize } from "./latents.ts";
import { openSession, type SessionOptions } from "./open-session.ts";
import type { SafetensorsFile } from "./safetensors.ts";

/** A loaded decoder. */
export class Decoder {
  readonly channels: number;
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession, channels: number) {
    this.#session = session;
    this.channels = channels;
  }

  static async open(file: SafetensorsFile, options: SessionOptions): Promise<Decoder> {
    return new Decoder(await openSession(decoderGraph(file), file, options), latentChannels(file));
  }

  /** Decodes planes [channels, rows, columns] to values about -1 to 1: [3, rows * 8, columns * 8]. */
  async decode(planes: Float32Array, { channels, rows, columns }: LatentSize): Promise<Float32Array> {
    const latents = new Tensor("float32", planes, [1, channels, rows, columns]);
    const output = await this.#session.run({ [decoderNames.latents]: latents });
    return output[decoderNames.output]!.data as Float32Array; // the graph declares it float32
  }

  /** Decodes one picture's packed latents to RGB bytes: [rows * 8, columns * 8, 3]. */
  async pixels(
    packed: Float32Array,
    size: LatentSize,
    { scaling, shift }: { scaling: number; shift: number },
  ): Promise<Uint8Array> {
    const planes = unpackLatents(packed, size).map((value) => value / scaling + shift);
    const values = await this.decode(planes, size);
    const expected = 3 * size.rows * size.columns * latentScale ** 2;
    if (values.length !== expected) throw new Error(`the decoder gave ${values.length} values, expected ${expected}`);
    return toPixels(values);
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}
