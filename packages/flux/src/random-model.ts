// Writes a small base model of random weights in the layout of a real one: for tests, and for running the server
// before weights exist. It draws coloured noise; the same seed gives the same files.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fluxModules, diffusersNormName, type FluxDimensions } from "./flux-modules.ts";
import { philoxNormal } from "./philox.ts";
import { optionalPaths, pipelinePaths } from "./pipeline-files.ts";
import { writeSafetensors, type TensorToWrite } from "./write-safetensors.ts";

export interface RandomModelOptions {
  readonly seed?: number;
  /** Square it pretends to be trained for; 128 keeps tests fast. */
  readonly nativePixels?: number;
  readonly doubleBlocks?: number;
  readonly singleBlocks?: number;
  /** Width of the streams; a multiple of 128. */
  readonly hidden?: number;
  /** Width of the text encoder; a multiple of 64, with one head for each. */
  readonly textWidth?: number;
  readonly textLayers?: number;
  readonly decoderChannels?: number;
  /** Gives it an enlarger of this width; otherwise it has none. */
  readonly enlargerChannels?: number;
}

/** Options with which a random model has the size of the starter that comes with Atelier: for measurements. */
export const starterSize: RandomModelOptions = {
  nativePixels: 256,
  doubleBlocks: 2,
  singleBlocks: 4,
  hidden: 256,
  textWidth: 256,
  textLayers: 3,
  decoderChannels: 48,
};

const textHeadWidth = 64;
/** Residual blocks at each size, smallest first, as the starter has them. */
const decoderBlocks = [3, 3, 2, 0];

/** Writes a model folder (`folder` is made). About 1 MB with the defaults. */
export async function writeRandomModel(folder: string, options: RandomModelOptions = {}): Promise<void> {
  const { seed = 1, nativePixels = 128, textLayers = 1, decoderChannels = 16 } = options;
  const dimensions = modelDimensions(options);
  const make = tensorMaker(seed);
  await writeWeights(folder, pipelinePaths.transformer, transformerTensors(make, dimensions));
  await writeWeights(folder, pipelinePaths.textEncoder, textEncoderTensors(make, dimensions.textWidth, textLayers));
  await writeWeights(folder, pipelinePaths.decoder, decoderTensors(make, decoderChannels));
  if (options.enlargerChannels) {
    await writeWeights(folder, optionalPaths.enlarger, enlargerTensors(make, options.enlargerChannels));
  }
  for (const [path, value] of Object.entries(configFiles(dimensions, { nativePixels, textLayers, decoderChannels }))) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), `${JSON.stringify(value, null, 2)}\n`);
  }
}

/** Writes an adapter of random weights for a model of the same options, in the diffusers layout. */
export async function writeRandomAdapter(
  path: string,
  options: RandomModelOptions & { readonly rank?: number } = {},
): Promise<void> {
  const { seed = 2, rank = 4 } = options;
  const make = tensorMaker(seed);
  const tensors: TensorToWrite[] = [];
  for (const module of fluxModules(modelDimensions(options))) {
    if (!/_blocks\.\d+\.(.*(qkv|proj|mlp)|linear)/.test(module.name)) continue;
    for (const part of module.diffusers) {
      tensors.push(make(`transformer.${part.module}.lora_A.weight`, [rank, module.inWidth], 1));
      tensors.push(make(`transformer.${part.module}.lora_B.weight`, [part.count, rank], 0.5));
    }
  }
  await mkdir(dirname(path), { recursive: true });
  await writeSafetensors(path, tensors);
}

async function writeWeights(folder: string, path: string, tensors: readonly TensorToWrite[]): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeSafetensors(join(folder, path), tensors);
}

type MakeTensor = (name: string, shape: readonly number[], gain: number) => TensorToWrite;

/** Normal weights of deviation gain / sqrt(inputs); names ending in a norm's `weight` or `scale` vary around 1. */
function tensorMaker(seed: number): MakeTensor {
  let stream = seed;
  return (name, shape, gain) => {
    const length = shape.reduce((a, b) => a * b, 1);
    const inputs = shape.length === 1 ? 1 : length / shape[0]!; // one size at least
    const noise = philoxNormal(stream++, length);
    const isNorm = shape.length === 1 && /norm.*weight$/.test(name);
    const values = noise.map((value) => (isNorm ? 1 + 0.1 * value : (value * gain) / Math.sqrt(inputs)));
    return { name, shape, values, dtype: "BF16" };
  };
}

function modelDimensions(options: RandomModelOptions): FluxDimensions {
  const { hidden = 128, textWidth = 64 } = options;
  return {
    doubleBlocks: options.doubleBlocks ?? 1,
    singleBlocks: options.singleBlocks ?? 1,
    hidden,
    heads: hidden / 128,
    headWidth: 128,
    mlpWidth: 4 * hidden,
    tokenChannels: 64,
    textWidth,
    pooledWidth: textWidth,
    hasGuidance: true,
  };
}

function transformerTensors(make: MakeTensor, dimensions: FluxDimensions): TensorToWrite[] {
  const tensors: TensorToWrite[] = [];
  for (const module of fluxModules(dimensions)) {
    const sizes = new Map<string, number>();
    for (const { module: name, count } of module.diffusers) sizes.set(name, (sizes.get(name) ?? 0) + count);
    for (const [name, rows] of sizes) {
      tensors.push(make(`${name}.weight`, [rows, module.inWidth], 1), make(`${name}.bias`, [rows], 0.1));
    }
  }
  for (const name of normNames(dimensions)) tensors.push(make(name, [dimensions.headWidth], 1));
  return tensors;
}

function normNames({ doubleBlocks, singleBlocks }: FluxDimensions): string[] {
  const kinds = ["query", "key"];
  const names: string[] = [];
  for (let i = 0; i < doubleBlocks; i++) {
    for (const stream of ["img", "txt"]) {
      names.push(...kinds.map((kind) => `double_blocks.${i}.${stream}_attn.norm.${kind}_norm.scale`));
    }
  }
  for (let i = 0; i < singleBlocks; i++) {
    names.push(...kinds.map((kind) => `single_blocks.${i}.norm.${kind}_norm.scale`));
  }
  return names.map(diffusersNormName);
}

function textEncoderTensors(make: MakeTensor, textWidth: number, textLayers: number): TensorToWrite[] {
  const tensors = [make("shared.weight", [tokenizerVocabulary().length, textWidth], 8)];
  const square = [textWidth, textWidth];
  for (let i = 0; i < textLayers; i++) {
    const attention = `encoder.block.${i}.layer.0`;
    const feedForward = `encoder.block.${i}.layer.1`;
    if (i === 0) tensors.push(make(`${attention}.SelfAttention.relative_attention_bias.weight`, [32, textWidth / textHeadWidth], 1));
    for (const kind of ["q", "k", "v", "o"]) tensors.push(make(`${attention}.SelfAttention.${kind}.weight`, square, 1));
    tensors.push(make(`${attention}.layer_norm.weight`, [textWidth], 1));
    for (const kind of ["wi_0", "wi_1"]) {
      tensors.push(make(`${feedForward}.DenseReluDense.${kind}.weight`, [2 * textWidth, textWidth], 1));
    }
    tensors.push(make(`${feedForward}.DenseReluDense.wo.weight`, [textWidth, 2 * textWidth], 1));
    tensors.push(make(`${feedForward}.layer_norm.weight`, [textWidth], 1));
  }
  tensors.push(make("encoder.final_layer_norm.weight", [textWidth], 1));
  return tensors;
}

/** Layer 1 is an activation, the layer before every convolution but the first and the last doubles the size. */
function decoderTensors(make: MakeTensor, channels: number): TensorToWrite[] {
  const convolution = (name: string, to: number, hasBias: boolean, from = channels) => [
    make(`${name}.weight`, [to, from, 3, 3], 1),
    ...(hasBias ? [make(`${name}.bias`, [to], 0.1)] : []),
  ];
  const tensors = convolution("decoder.layers.0", channels, true, 16);
  let layer = 2;
  for (const [size, count] of decoderBlocks.entries()) {
    for (let i = 0; i < count; i++, layer++) {
      tensors.push(...[0, 2, 4].flatMap((part) => convolution(`decoder.layers.${layer}.conv.${part}`, channels, true)));
    }
    const isLast = size === decoderBlocks.length - 1;
    if (!isLast) layer++;
    tensors.push(...convolution(`decoder.layers.${layer++}`, isLast ? 3 : channels, isLast));
  }
  return tensors;
}

function enlargerTensors(make: MakeTensor, channels: number): TensorToWrite[] {
  const widths = [3, channels, channels, 48];
  return widths.slice(1).flatMap((to, i) => [
    make(`layers.${i}.weight`, [to, widths[i]!, 3, 3], 0.3),
    make(`layers.${i}.bias`, [to], 0.1),
  ]);
}

function configFiles(
  dimensions: FluxDimensions,
  { nativePixels, textLayers, decoderChannels }: Required<Pick<RandomModelOptions, "nativePixels" | "textLayers" | "decoderChannels">>,
): Record<string, unknown> {
  return {
    "model_index.json": { _class_name: "FluxPipeline" },
    [pipelinePaths.starter]: {
      nativePixels,
      maxTextTokens: 128,
      textTokenMultiple: 8,
      guidanceRange: [1, 10],
    },
    [pipelinePaths.transformerConfig]: {
      _class_name: "FluxTransformer2DModel",
      in_channels: dimensions.tokenChannels,
      num_layers: dimensions.doubleBlocks,
      num_single_layers: dimensions.singleBlocks,
      attention_head_dim: dimensions.headWidth,
      num_attention_heads: dimensions.heads,
      joint_attention_dim: dimensions.textWidth,
      pooled_projection_dim: dimensions.pooledWidth,
      guidance_embeds: true,
      axes_dims_rope: [16, 56, 56],
    },
    [pipelinePaths.decoderConfig]: {
      _class_name: "AutoencoderTiny",
      latent_channels: 16,
      encoder_block_out_channels: decoderBlocks.map(() => decoderChannels),
      decoder_block_out_channels: decoderBlocks.map(() => decoderChannels),
      num_encoder_blocks: decoderBlocks.toReversed(),
      num_decoder_blocks: decoderBlocks,
      scaling_factor: 1,
      shift_factor: 0,
    },
    [pipelinePaths.textEncoderConfig]: {
      architectures: ["T5EncoderModel"],
      model_type: "t5",
      feed_forward_proj: "gated-gelu",
      vocab_size: tokenizerVocabulary().length,
      d_model: dimensions.textWidth,
      d_kv: textHeadWidth,
      num_heads: dimensions.textWidth / textHeadWidth,
      d_ff: 2 * dimensions.textWidth,
      num_layers: textLayers,
    },
    [pipelinePaths.tokenizerConfig]: { tokenizer_class: "PreTrainedTokenizerFast" },
    [pipelinePaths.tokenizer]: tokenizerFile(),
    [pipelinePaths.scheduler]: {
      _class_name: "FlowMatchEulerDiscreteScheduler",
      use_dynamic_shifting: true,
      shift: 3,
      base_shift: 0.5,
      max_shift: 1.15,
      base_image_seq_len: 256,
      max_image_seq_len: 4096,
    },
  };
}

/** Single characters: enough for every prompt to have its own ids. */
function tokenizerVocabulary(): string[] {
  const printable = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
  return ["<pad>", "</s>", "<unk>", ...printable.filter((letter) => letter === letter.toLowerCase())];
}

function tokenizerFile(): Record<string, unknown> {
  const vocabulary = tokenizerVocabulary();
  const special = (id: number) => ({
    id, content: vocabulary[id], single_word: false, lstrip: false, rstrip: false, normalized: false, special: true,
  });
  return {
    version: "1.0",
    added_tokens: [special(0), special(1), special(2)],
    normalizer: { type: "Sequence", normalizers: [{ type: "NFD" }, { type: "StripAccents" }, { type: "Lowercase" }] },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [{ Sequence: { id: "A", type_id: 0 } }, { SpecialToken: { id: "</s>", type_id: 0 } }],
      pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
      special_tokens: { "</s>": { id: "</s>", ids: [1], tokens: ["</s>"] } },
    },
    decoder: null,
    model: {
      type: "BPE",
      unk_token: "<unk>",
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges: [],
    },
  };
}
