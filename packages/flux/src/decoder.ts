// Runs the decoder of the tiny autoencoder: latents to pixels.

import { Tensor, type InferenceSession } from "onnxruntime-node";
import { decoderGraph, decoderNames, decoderScale, latentChannels } from "./decoder-graph.ts";
import type { RgbPicture } from "./enlarger.ts";
import { averageLatents, toPixels, unpackLatents, type LatentSize } from "./latents.ts";
import { openSession, type SessionOptions } from "./open-session.ts";
import type { SafetensorsFile } from "./safetensors.ts";

/** A loaded decoder. */
export class Decoder {
  readonly channels: number;
  /** Pixels per latent, in each direction. */
  readonly scale: number;
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession, { channels, scale }: { channels: number; scale: number }) {
    this.#session = session;
    this.channels = channels;
    this.scale = scale;
  }

  static async open(file: SafetensorsFile, options: SessionOptions): Promise<Decoder> {
    const session = await openSession(decoderGraph(file), file, options);
    return new Decoder(session, { channels: latentChannels(file), scale: decoderScale(file) });
  }

  /** Decodes planes [channels, rows, columns] to values about -1 to 1: [3, rows * scale, columns * scale]. */
  async decode(planes: Float32Array, { channels, rows, columns }: LatentSize): Promise<Float32Array> {
    const latents = new Tensor("float32", planes, [1, channels, rows, columns]);
    const output = await this.#session.run({ [decoderNames.latents]: latents });
    return output[decoderNames.output]!.data as Float32Array; // the graph declares it float32
  }

  /** Decodes one picture's packed latents to RGB bytes: [rows * scale, columns * scale, 3]. */
  async pixels(
    packed: Float32Array,
    size: LatentSize,
    { scaling, shift }: { scaling: number; shift: number },
  ): Promise<Uint8Array> {
    const planes = unpackLatents(packed, size).map((value) => value / scaling + shift);
    const values = await this.decode(planes, size);
    const expected = 3 * size.rows * size.columns * this.scale ** 2;
    if (values.length !== expected) throw new Error(`the decoder gave ${values.length} values, expected ${expected}`);
    return toPixels(values);
  }

  /** What the packed latents of one picture show, small: neighbouring latents are averaged until there are at most `mostLatents`
   *  a side, so that the cost is bounded. */
  async preview(
    packed: Float32Array,
    size: LatentSize,
    { scaling, shift, mostLatents }: { scaling: number; shift: number; mostLatents: number },
  ): Promise<RgbPicture> {
    const planes = unpackLatents(packed, size).map((value) => value / scaling + shift);
    const small = averageLatents(planes, size, Math.ceil(Math.max(size.rows, size.columns) / mostLatents));
    const pixels = toPixels(await this.decode(small.planes, small.size));
    return { pixels, widthPixels: small.size.columns * this.scale, heightPixels: small.size.rows * this.scale };
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}
