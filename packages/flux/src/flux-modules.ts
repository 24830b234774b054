// The linear modules of a FLUX.1 transformer, under one set of names, and where two public file layouts keep them.
// Canonical names are those of the original single file (black-forest-labs/flux, model.py), with fused projections;
// the diffusers layout splits them: to_q, to_k, to_v, and proj_mlp beside them in single blocks.

/** What the shapes in a file say about its transformer. */
export interface FluxDimensions {
  readonly doubleBlocks: number;
  readonly singleBlocks: number;
  /** Width of the streams. */
  readonly hidden: number;
  readonly heads: number;
  readonly headWidth: number;
  /** Inner width of the feed-forward part (4 × hidden in FLUX.1). */
  readonly mlpWidth: number;
  /** Channels of one packed latent token: 16 × 2 × 2. */
  readonly tokenChannels: number;
  /** Width of the text encoder's output. */
  readonly textWidth: number;
  /** Width of the pooled text vector. */
  readonly pooledWidth: number;
  readonly hasGuidance: boolean;
}

/** Rows of a canonical module's weight, taken from rows of one module of a file's layout. */
export interface ModulePart {
  readonly module: string;
  readonly start: number;
  readonly count: number;
}

export interface FluxModule {
  /** Canonical name, e.g. `double_blocks.0.img_attn.qkv`. */
  readonly name: string;
  readonly inWidth: number;
  readonly outWidth: number;
  readonly diffusers: readonly ModulePart[];
}

/** Every linear module of a transformer with these dimensions, in the order of the computation. */
export function fluxModules(d: FluxDimensions): FluxModule[] {
  const modules = [
    whole("img_in", "x_embedder", d.tokenChannels, d.hidden),
    whole("txt_in", "context_embedder", d.textWidth, d.hidden),
    ...embedder("time_in", "timestep_embedder", timeChannels, d.hidden),
    ...(d.hasGuidance ? embedder("guidance_in", "guidance_embedder", timeChannels, d.hidden) : []),
    ...embedder("vector_in", "text_embedder", d.pooledWidth, d.hidden),
  ];
  for (let i = 0; i < d.doubleBlocks; i++) modules.push(...doubleBlock(i, d));
  for (let i = 0; i < d.singleBlocks; i++) modules.push(...singleBlock(i, d));
  modules.push(finalModulation(d), whole("final_layer.linear", "proj_out", d.hidden, d.tokenChannels));
  return modules;
}

/** Channels of the sinusoidal time and guidance embeddings. */
export const timeChannels = 256;

/** Names of a block's query and key norms: canonical name to diffusers name. */
export function diffusersNormName(canonical: string): string {
  return canonical
    .replace(/^double_blocks\.(\d+)\.img_attn\.norm\.(query|key)_norm\.scale$/, (_, i, kind) =>
      `transformer_blocks.${i}.attn.norm_${kind[0]}.weight`)
    .replace(/^double_blocks\.(\d+)\.txt_attn\.norm\.(query|key)_norm\.scale$/, (_, i, kind) =>
      `transformer_blocks.${i}.attn.norm_added_${kind[0]}.weight`)
    .replace(/^single_blocks\.(\d+)\.norm\.(query|key)_norm\.scale$/, (_, i, kind) =>
      `single_transformer_blocks.${i}.attn.norm_${kind[0]}.weight`);
}

function whole(name: string, module: string, inWidth: number, outWidth: number): FluxModule {
  return { name, inWidth, outWidth, diffusers: [{ module, start: 0, count: outWidth }] };
}

function embedder(name: string, module: string, inWidth: number, hidden: number): FluxModule[] {
  return [
    whole(`${name}.in_layer`, `time_text_embed.${module}.linear_1`, inWidth, hidden),
    whole(`${name}.out_layer`, `time_text_embed.${module}.linear_2`, hidden, hidden),
  ];
}

function stacked(name: string, inWidth: number, parts: readonly (readonly [string, number])[]): FluxModule {
  const diffusers = parts.map(([module, count]) => ({ module, start: 0, count }));
  return { name, inWidth, outWidth: diffusers.reduce((sum, part) => sum + part.count, 0), diffusers };
}

function doubleBlock(index: number, { hidden, mlpWidth }: FluxDimensions): FluxModule[] {
  const from = `transformer_blocks.${index}`;
  const to = `double_blocks.${index}`;
  const qkv = (stream: string, names: readonly string[]) =>
    stacked(`${to}.${stream}_attn.qkv`, hidden, names.map((name) => [`${from}.attn.${name}`, hidden] as const));
  return [
    whole(`${to}.img_mod.lin`, `${from}.norm1.linear`, hidden, 6 * hidden),
    whole(`${to}.txt_mod.lin`, `${from}.norm1_context.linear`, hidden, 6 * hidden),
    qkv("img", ["to_q", "to_k", "to_v"]),
    qkv("txt", ["add_q_proj", "add_k_proj", "add_v_proj"]),
    whole(`${to}.img_attn.proj`, `${from}.attn.to_out.0`, hidden, hidden),
    whole(`${to}.txt_attn.proj`, `${from}.attn.to_add_out`, hidden, hidden),
    whole(`${to}.img_mlp.0`, `${from}.ff.net.0.proj`, hidden, mlpWidth),
    whole(`${to}.img_mlp.2`, `${from}.ff.net.2`, mlpWidth, hidden),
    whole(`${to}.txt_mlp.0`, `${from}.ff_context.net.0.proj`, hidden, mlpWidth),
    whole(`${to}.txt_mlp.2`, `${from}.ff_context.net.2`, mlpWidth, hidden),
  ];
}

function singleBlock(index: number, { hidden, mlpWidth }: FluxDimensions): FluxModule[] {
  const from = `single_transformer_blocks.${index}`;
  const to = `single_blocks.${index}`;
  return [
    whole(`${to}.modulation.lin`, `${from}.norm.linear`, hidden, 3 * hidden),
    stacked(`${to}.linear1`, hidden, [
      [`${from}.attn.to_q`, hidden],
      [`${from}.attn.to_k`, hidden],
      [`${from}.attn.to_v`, hidden],
      [`${from}.proj_mlp`, mlpWidth],
    ]),
    whole(`${to}.linear2`, `${from}.proj_out`, hidden + mlpWidth, hidden),
  ];
}

/** The original file orders the last modulation shift, scale; diffusers' AdaLayerNormContinuous scale, shift. */
function finalModulation({ hidden }: FluxDimensions): FluxModule {
  const module = "norm_out.linear";
  return {
    name: "final_layer.adaLN_modulation.1",
    inWidth: hidden,
    outWidth: 2 * hidden,
    diffusers: [
      { module, start: hidden, count: hidden },
      { module, start: 0, count: hidden },
    ],
  };
}
