// A base model that is loaded and ready to draw: text encoder, transformer, sampler and decoder in one object.

import { AdapterCache } from "./adapter-cache.ts";
import type { WeightedAdapter } from "./adapter-feeds.ts";
import { checkBatch, checkRequest } from "./check-request.ts";
import { Decoder } from "./decoder.ts";
import { Enlarger, type RgbPicture } from "./enlarger.ts";
import { fileError, FluxError } from "./errors.ts";
import { initialLatents, packing, type LatentSize } from "./latents.ts";
import { limits } from "./limits.ts";
import { pictureSeed } from "./philox.ts";
import { openPipelineFiles, type BaseSettings, type PipelineFiles } from "./pipeline-files.ts";
import { renderSize, type PictureSize } from "./render-size.ts";
import { eulerStep, predictedLatents, sampleSigmas } from "./sigmas.ts";
import { t5Width } from "./t5-graph.ts";
import { TextEncoder5, type TextStates } from "./text-encoder.ts";
import { Transformer } from "./transformer.ts";

/** An adapter file and how strongly it acts: 0 not at all, 1 as trained. */
export interface AdapterUse {
  readonly path: string;
  readonly weight: number;
}

/** What one picture of a batch has for itself. */
export interface PictureRequest {
  readonly prompt: string;
  /** 0 to 2^32 - 1. */
  readonly seed: number;
  /** Clamped to the range that the base was trained on; ignored by a base without guidance. */
  readonly guidanceScale: number;
  readonly adapters: readonly AdapterUse[];
}

/** Several pictures of one prompt. Picture k uses `seed + k` modulo 2^32. */
export interface GenerateRequest extends PictureRequest, PictureSize {
  readonly steps: number;
  readonly samples: number;
}

export interface Picture {
  readonly index: number;
  readonly seed: number;
  /** RGB, 8 bit, row-major: [heightPixels, widthPixels, 3]. */
  readonly pixels: Uint8Array;
  /** Size drawn, not the size asked for: see render-size.ts. */
  readonly widthPixels: number;
  readonly heightPixels: number;
  /** After clamping; null when the base has no guidance. */
  readonly guidanceScale: number | null;
}

export interface StepReport {
  /** First picture of the batch being drawn. */
  readonly index: number;
  /** Steps finished and steps in all, over all pictures of the call. */
  readonly step: number;
  readonly stepTotal: number;
  /** What the picture will look like, small, where it was asked for. */
  readonly preview?: RgbPicture;
}

export interface DrawOptions {
  /** Looked at between steps: the drawing ends with CANCELLED. */
  readonly signal?: AbortSignal;
  /** The drawing goes on when it is done. */
  readonly onStep?: (report: StepReport) => void | Promise<void>;
  /** Asked for each step but the last of a picture: whether its report shall have a preview. That costs a run of the decoder on at most
   *  `limits.previewLatents` a side, and changes nothing of what is drawn. */
  readonly wantsPreview?: () => boolean;
}

/** Opens a base model's folder and loads it. `threads`: per operator; results do not depend on it.
 *  Throws WEIGHTS_MISSING, WEIGHTS_INVALID or MODEL_UNSUPPORTED with the path of the file. */
export async function openPipeline(folder: string, options: { readonly threads: number }): Promise<Pipeline> {
  const files = await openPipelineFiles(folder);
  const textEncoder = await TextEncoder5.open(files, options);
  const transformer = await Transformer.open(files.weights.transformer, { ...options, rotaryAxes: files.rotaryAxes });
  const decoder = await Decoder.open(files.weights.decoder, options);
  checkWidths(files, transformer, decoder);
  const enlarger = files.weights.enlarger === null ? null : await Enlarger.open(files.weights.enlarger, options);
  return new Pipeline(files, { textEncoder, transformer, decoder, enlarger });
}

interface Parts {
  readonly textEncoder: TextEncoder5;
  readonly transformer: Transformer;
  readonly decoder: Decoder;
  readonly enlarger: Enlarger | null;
}

/** A loaded base model. Pictures are a pure function of the request and the files. */
export class Pipeline {
  readonly #files: PipelineFiles;
  readonly #parts: Parts;
  readonly #adapters: AdapterCache;

  constructor(files: PipelineFiles, parts: Parts) {
    this.#files = files;
    this.#parts = parts;
    this.#adapters = new AdapterCache(parts.transformer.weights);
  }

  get folder(): string {
    return this.#files.folder;
  }

  get settings(): BaseSettings {
    return this.#files.settings;
  }

  /** Weights counted as float32, as they are held in memory. */
  get weightBytes(): number {
    const shapes = Object.values(this.#files.weights).flatMap((file) => [...(file?.tensors.values() ?? [])]);
    return shapes.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
  }

  /** Size at which a picture of this size will be drawn. */
  renderSize(requested: PictureSize): PictureSize {
    return renderSize(requested, { ...this.#files.settings, sideMultiple: this.#parts.decoder.scale * packing });
  }

  /** The guidance scale that acts, or null when this base has none. */
  effectiveGuidance(scale: number): number | null {
    if (!this.#parts.transformer.weights.dimensions.hasGuidance) return null;
    const range = this.#files.settings.guidanceRange;
    return range === null ? scale : Math.min(range[1], Math.max(range[0], scale));
  }

  /** Reads adapters into memory, so that the first picture does not wait for them. Errors as `readAdapter`. */
  async preloadAdapters(adapters: readonly AdapterUse[]): Promise<void> {
    await this.#weightedAdapters(adapters);
  }

  /** Draws `samples` pictures one after the other and yields each as it is finished. One at a time, so that a picture
   *  does not depend on its neighbours. Throws INPUT_INVALID, CANCELLED, or an adapter's error. */
  async *generate(request: GenerateRequest, options: DrawOptions = {}): AsyncGenerator<Picture> {
    checkRequest(request);
    const { samples, steps, widthPixels, heightPixels } = request;
    const stepTotal = samples * steps;
    for (let index = 0; index < samples; index++) {
      const pictures = [{ ...request, seed: pictureSeed(request.seed, index) }];
      const onStep = (report: StepReport) =>
        options.onStep?.({ ...report, index, step: index * steps + report.step, stepTotal });
      const drawn = await this.drawBatch({ pictures, steps, widthPixels, heightPixels }, { ...options, onStep });
      for (const picture of drawn) yield { ...picture, index };
    }
  }

  /** Draws several pictures together, each with its own prompt, seed, guidance and adapters; their prompts must be
   *  equally long after padding. Values may differ from single drawing in the last bits.
   *  Throws INPUT_INVALID, CANCELLED, or an adapter's error. */
  async drawBatch(
    request: PictureSize & { readonly pictures: readonly PictureRequest[]; readonly steps: number },
    options: DrawOptions = {},
  ): Promise<Picture[]> {
    const { pictures, steps } = request;
    checkBatch(pictures, steps);
    const rendered = this.renderSize(request);
    const size = this.#latentSize(rendered);
    const texts = await this.#encodeAll(pictures);
    const conditions = await this.#conditions(pictures, texts, size);
    const latents = await this.#sample(conditions, { seeds: pictures.map((p) => p.seed), size, steps }, options);
    const out: Picture[] = [];
    for (const [index, picture] of pictures.entries()) {
      throwIfCancelled(options.signal);
      const length = latents.length / pictures.length;
      const pixels = await this.#parts.decoder.pixels(latents.subarray(index * length, (index + 1) * length), size, {
        scaling: this.#files.latentScaling,
        shift: this.#files.latentShift,
      });
      const guidanceScale = this.effectiveGuidance(picture.guidanceScale);
      out.push({ index, seed: picture.seed, pixels, ...rendered, guidanceScale });
    }
    return out;
  }

  /** A picture of this base, made larger when a larger one is asked for and the base has an enlarger; otherwise the same
   *  object. The size is not yet the one asked for: the caller resamples to it. */
  async enlarge(picture: RgbPicture, requested: PictureSize): Promise<RgbPicture> {
    const { widthPixels, heightPixels } = picture;
    const isLarger = requested.widthPixels > widthPixels || requested.heightPixels > heightPixels;
    const { enlarger } = this.#parts;
    if (enlarger === null || !isLarger || widthPixels * heightPixels > limits.enlargerInputPixels) return picture;
    return enlarger.enlarge(picture);
  }

  /** Frees the sessions; the pipeline cannot draw afterwards. */
  async close(): Promise<void> {
    for (const part of Object.values(this.#parts)) await part?.close();
  }

  /** Of the first picture of a batch. */
  async #preview(packed: Float32Array, size: LatentSize): Promise<RgbPicture> {
    const { latentScaling: scaling, latentShift: shift } = this.#files;
    return this.#parts.decoder.preview(packed, size, { scaling, shift, mostLatents: limits.previewLatents });
  }

  #latentSize({ widthPixels, heightPixels }: PictureSize): LatentSize {
    const { channels, scale } = this.#parts.decoder;
    return { channels, rows: heightPixels / scale, columns: widthPixels / scale };
  }

  async #encodeAll(pictures: readonly PictureRequest[]): Promise<TextStates[]> {
    const known = new Map<string, TextStates>();
    const out: TextStates[] = [];
    for (const { prompt } of pictures) {
      const states = known.get(prompt) ?? (await this.#parts.textEncoder.encode(prompt));
      known.set(prompt, states);
      out.push(states);
    }
    if (new Set(out.map((states) => states.tokens)).size > 1) {
      throw new FluxError("INPUT_INVALID", "Prompts of one batch must be equally long after padding. Draw them apart.");
    }
    return out;
  }

  async #conditions(pictures: readonly PictureRequest[], texts: readonly TextStates[], size: LatentSize) {
    const adapters = await Promise.all(pictures.map((picture) => this.#weightedAdapters(picture.adapters)));
    return {
      rows: size.rows / packing,
      columns: size.columns / packing,
      textTokens: texts[0]!.tokens, // a batch has at least one picture
      pictures: pictures.map((picture, i) => ({
        text: texts[i]!.states, // one per picture
        pooled: texts[i]!.pooled,
        guidanceScale: this.effectiveGuidance(picture.guidanceScale) ?? 0,
        adapters: adapters[i]!, // one list per picture
      })),
    };
  }

  async #weightedAdapters(uses: readonly AdapterUse[]): Promise<WeightedAdapter[]> {
    const out: WeightedAdapter[] = [];
    for (const { path, weight } of uses) out.push({ adapter: await this.#adapters.get(path), weight });
    return out;
  }

  async #sample(
    conditions: Parameters<Transformer["prepare"]>[0],
    { seeds, size, steps }: { seeds: readonly number[]; size: LatentSize; steps: number },
    options: DrawOptions,
  ): Promise<Float32Array> {
    const predict = this.#parts.transformer.prepare(conditions);
    const length = size.channels * size.rows * size.columns;
    const latents = new Float32Array(seeds.length * length);
    for (const [i, seed] of seeds.entries()) latents.set(initialLatents(size, seed), i * length);
    const sigmas = sampleSigmas(this.#files.scheduler, steps, conditions.rows * conditions.columns);
    for (let step = 0; step < steps; step++) {
      throwIfCancelled(options.signal);
      const sigma = sigmas[step]!; // steps + 1 sigmas
      const velocity = await predict(latents, seeds.map(() => sigma));
      const isLast = step + 1 === steps;
      const first = latents.subarray(0, length);
      const preview = !isLast && options.wantsPreview?.() ? await this.#preview(predictedLatents(first, velocity, sigma), size) : undefined;
      eulerStep(latents, velocity, sigma, sigmas[step + 1]!);
      await options.onStep?.({ index: 0, step: step + 1, stepTotal: steps, ...(preview && { preview }) });
    }
    return latents;
  }
}

/** The parts of a pipeline must fit each other: files of two models in one folder would fail at the first step. */
function checkWidths({ weights, rotaryAxes }: PipelineFiles, transformer: Transformer, decoder: Decoder): void {
  const { textWidth, pooledWidth, tokenChannels, headWidth } = transformer.weights.dimensions;
  const { transformer: file } = weights;
  const own = t5Width(weights.textEncoder);
  const axesSum = rotaryAxes.reduce((sum, width) => sum + width, 0);
  const latentWidth = decoder.channels * packing ** 2;
  if (textWidth !== own || pooledWidth !== own) {
    const what = `takes text of width ${textWidth} and ${pooledWidth}, the text encoder gives ${own}`;
    throw fileError("WEIGHTS_INVALID", file.path, what);
  }
  if (tokenChannels !== latentWidth) {
    throw fileError("WEIGHTS_INVALID", file.path, `draws tokens of ${tokenChannels}, the decoder takes ${latentWidth}`);
  }
  if (headWidth !== axesSum) {
    throw fileError("WEIGHTS_INVALID", file.path, `has heads of ${headWidth}, its rotary axes sum up to ${axesSum}`);
  }
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new FluxError("CANCELLED", "The drawing was cancelled.");
}
