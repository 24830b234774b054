// The folder of a base model: which files it has, what their settings say. Layout of a diffusers FluxPipeline, with
// `starter.json` beside it for a model that was trained at another size than FLUX.1's.

import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Tokenizer } from "@huggingface/tokenizers";
import { fileError } from "./errors.ts";
import { fluxRotaryAxes } from "./rotary-table.ts";
import { limits } from "./limits.ts";
import { makeTokenizer, type TextRules } from "./prompt-tokens.ts";
import { booleanField, countField, numberField, numbersField, rangeField, readJson, requireField, type JsonFile } from "./read-json.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors.ts";
import type { SchedulerConfig } from "./sigmas.ts";
import type { T5Config } from "./t5-graph.ts";

export interface BaseSettings {
  /** Side of the square that the model was trained to draw. */
  readonly nativePixels: number;
  /** Narrowest and widest aspect ratio (width / height) that it was trained to draw. */
  readonly aspectRange: readonly [number, number];
  /** Guidance scales that it was trained on, or null: any. */
  readonly guidanceRange: readonly [number, number] | null;
  readonly text: TextRules;
}

export interface PipelineFiles {
  readonly folder: string;
  readonly settings: BaseSettings;
  readonly scheduler: SchedulerConfig;
  readonly t5: T5Config;
  /** Widths of the rotary axes of one head. */
  readonly rotaryAxes: readonly number[];
  /** latents for the decoder = latents / scaling + shift */
  readonly latentScaling: number;
  readonly latentShift: number;
  readonly tokenizer: Tokenizer;
  readonly weights: {
    readonly transformer: SafetensorsFile;
    readonly textEncoder: SafetensorsFile;
    readonly decoder: SafetensorsFile;
    /** Of a base that has one. */
    readonly enlarger: SafetensorsFile | null;
  };
}

/** Paths of a base model's files, relative to its folder. */
export const pipelinePaths = {
  starter: "starter.json",
  transformerConfig: "transformer/config.json",
  transformer: "transformer/diffusion_pytorch_model.safetensors",
  decoderConfig: "vae/config.json",
  decoder: "vae/diffusion_pytorch_model.safetensors",
  textEncoderConfig: "text_encoder_2/config.json",
  textEncoder: "text_encoder_2/model.safetensors",
  tokenizer: "tokenizer_2/tokenizer.json",
  tokenizerConfig: "tokenizer_2/tokenizer_config.json",
  scheduler: "scheduler/scheduler_config.json",
} as const;

/** Files that a base may do without, relative to its folder. Without an enlarger, pictures are only resampled. */
export const optionalPaths = { enlarger: "enlarger/model.safetensors" } as const;

/** The files that hold weights, in the order in which they are loaded. */
export const weightPaths = [pipelinePaths.textEncoder, pipelinePaths.transformer, pipelinePaths.decoder] as const;

/** Opens and checks all files of a folder; reads no weights yet.
 *  Throws WEIGHTS_MISSING, WEIGHTS_INVALID or MODEL_UNSUPPORTED, each with the path of the file. */
export async function openPipelineFiles(folder: string): Promise<PipelineFiles> {
  const json = (path: string, maxBytes: number = limits.configBytes) => readJson(join(folder, path), maxBytes);
  const weights = {
    textEncoder: await openSafetensors(join(folder, pipelinePaths.textEncoder)),
    transformer: await openSafetensors(join(folder, pipelinePaths.transformer)),
    decoder: await openSafetensors(join(folder, pipelinePaths.decoder)),
    enlarger: await openIfThere(join(folder, optionalPaths.enlarger)),
  };
  const transformerConfig = await json(pipelinePaths.transformerConfig);
  const decoderConfig = await json(pipelinePaths.decoderConfig);
  checkDecoderConfig(decoderConfig);
  const tokenizerJson = await json(pipelinePaths.tokenizer, limits.tokenizerBytes);
  const tokenizerConfig = await json(pipelinePaths.tokenizerConfig);
  return {
    folder,
    settings: baseSettings(await json(pipelinePaths.starter)),
    scheduler: schedulerConfig(await json(pipelinePaths.scheduler)),
    t5: t5Config(await json(pipelinePaths.textEncoderConfig)),
    rotaryAxes: numbersField(transformerConfig, "axes_dims_rope", 3) ?? fluxRotaryAxes,
    latentScaling: numberField(decoderConfig, "scaling_factor", 1),
    latentShift: numberField(decoderConfig, "shift_factor", 0),
    tokenizer: readTokenizer(tokenizerJson, tokenizerConfig),
    weights,
  };
}

async function openIfThere(path: string): Promise<SafetensorsFile | null> {
  const isThere = await stat(path).then(() => true, () => false);
  return isThere ? openSafetensors(path) : null;
}

function baseSettings(file: JsonFile): BaseSettings {
  return {
    nativePixels: countField(file, "nativePixels", 256),
    aspectRange: rangeField(file, "aspectRange") ?? [0.5, 2],
    guidanceRange: rangeField(file, "guidanceRange") ?? null,
    text: {
      maxTextTokens: countField(file, "maxTextTokens", 128),
      textTokenMultiple: countField(file, "textTokenMultiple", 8),
    },
  };
}

function schedulerConfig(file: JsonFile): SchedulerConfig {
  requireField(file, "_class_name", ["FlowMatchEulerDiscreteScheduler"]);
  requireField(file, "time_shift_type", ["exponential"]);
  for (const key of ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "invert_sigmas",
    "stochastic_sampling", "shift_terminal"]) {
    requireField(file, key, [false]);
  }
  return {
    useDynamicShifting: booleanField(file, "use_dynamic_shifting", false),
    shift: numberField(file, "shift", 1),
    baseShift: numberField(file, "base_shift", 0.5),
    maxShift: numberField(file, "max_shift", 1.15),
    baseImageTokens: countField(file, "base_image_seq_len", 256),
    maxImageTokens: countField(file, "max_image_seq_len", 4096),
  };
}

function t5Config(file: JsonFile): T5Config {
  requireField(file, "feed_forward_proj", ["gated-gelu"]);
  requireField(file, "dense_act_fn", ["gelu_new"]);
  return {
    bucketCount: countField(file, "relative_attention_num_buckets", 32),
    maxDistance: countField(file, "relative_attention_max_distance", 128),
    epsilon: numberField(file, "layer_norm_epsilon", 1e-6),
  };
}

function checkDecoderConfig(file: JsonFile): void {
  requireField(file, "_class_name", ["AutoencoderTiny"]);
  requireField(file, "act_fn", ["relu"]);
  requireField(file, "upsample_fn", ["nearest"]);
  requireField(file, "upsampling_scaling_factor", [2]);
}

function readTokenizer(tokenizerJson: JsonFile, tokenizerConfig: JsonFile): Tokenizer {
  try {
    return makeTokenizer(tokenizerJson.values, tokenizerConfig.values);
  } catch (cause) {
    throw fileError("WEIGHTS_INVALID", tokenizerJson.path, "is no tokenizer that can be read", cause);
  }
}
