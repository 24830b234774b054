// Runs the enlarger: RGB bytes to RGB bytes, four times as wide and high.

import { Tensor, type InferenceSession } from "onnxruntime-node";
import { enlargerFactor, enlargerGraph, enlargerNames } from "./enlarger-graph.ts";
import { toPixels } from "./latents.ts";
import { openSession, type SessionOptions } from "./open-session.ts";
import type { SafetensorsFile } from "./safetensors.ts";

export interface RgbPicture {
  /** RGB, 8 bit, row-major: [heightPixels, widthPixels, 3]. */
  readonly pixels: Uint8Array;
  readonly widthPixels: number;
  readonly heightPixels: number;
}

/** A loaded enlarger. */
export class Enlarger {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  static async open(file: SafetensorsFile, options: SessionOptions): Promise<Enlarger> {
    return new Enlarger(await openSession(enlargerGraph(file), file, options));
  }

  /** The picture at four times its width and height. */
  async enlarge({ pixels, widthPixels, heightPixels }: RgbPicture): Promise<RgbPicture> {
    const planes = await this.run(toPlanes(pixels), { widthPixels, heightPixels });
    return {
      pixels: toPixels(planes),
      widthPixels: widthPixels * enlargerFactor,
      heightPixels: heightPixels * enlargerFactor,
    };
  }

  /** Planes [3, height, width] of -1 to 1 to planes four times as wide and high, not clamped. */
  async run(planes: Float32Array, size: { widthPixels: number; heightPixels: number }): Promise<Float32Array> {
    const picture = new Tensor("float32", planes, [1, 3, size.heightPixels, size.widthPixels]);
    const output = await this.#session.run({ [enlargerNames.picture]: picture });
    return output[enlargerNames.output]!.data as Float32Array; // the graph declares it float32
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

/** RGB bytes [height, width, 3] to planes [3, height, width] of -1 to 1. */
function toPlanes(pixels: Uint8Array): Float32Array {
  const area = pixels.length / 3;
  const planes = new Float32Array(pixels.length);
  for (let i = 0; i < area; i++) {
    for (let channel = 0; channel < 3; channel++) planes[channel * area + i] = pixels[i * 3 + channel]! / 127.5 - 1;
  }
  return planes;
}
