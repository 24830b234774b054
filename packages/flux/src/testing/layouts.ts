// Rewrites diffusers-layout weights and adapters of tests in the original single-file layout.

import { diffusersNormName, fluxModules, type FluxDimensions, type FluxModule } from "../flux-modules.ts";
import type { TensorToWrite } from "../write-safetensors.ts";

/** The golden transformer's dimensions. */
export const goldenDimensions: FluxDimensions = {
  doubleBlocks: 1,
  singleBlocks: 1,
  hidden: 64,
  heads: 2,
  headWidth: 32,
  mlpWidth: 256,
  tokenChannels: 64,
  textWidth: 48,
  pooledWidth: 48,
  hasGuidance: true,
};

/** The same transformer as one file of the original layout: fused projections, shift before scale at the end. */
export function toBflLayout(tensors: readonly TensorToWrite[], dimensions: FluxDimensions): TensorToWrite[] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const out: TensorToWrite[] = [];
  for (const module of fluxModules(dimensions)) {
    for (const suffix of ["weight", "bias"] as const) {
      const rows = module.diffusers.map(({ module: name, start, count }) => {
        const { values } = byName.get(`${name}.${suffix}`)!; // a complete transformer
        const width = suffix === "weight" ? module.inWidth : 1;
        return [...values.subarray(start * width, (start + count) * width)];
      });
      const shape = suffix === "weight" ? [module.outWidth, module.inWidth] : [module.outWidth];
      out.push({ name: `${module.name}.${suffix}`, shape, values: Float32Array.from(rows.flat()), dtype: "BF16" });
    }
  }
  for (const name of normNames()) out.push({ ...byName.get(diffusersNormName(name))!, name });
  return out;
}

/** The same adapter in kohya's layout: one pair per fused module, ranks side by side, `alpha` times the rank. */
export function toKohyaLayout(
  adapter: readonly TensorToWrite[],
  { dimensions, strength }: { dimensions: FluxDimensions; strength: number },
): TensorToWrite[] {
  const byName = new Map(adapter.map((tensor) => [tensor.name, tensor]));
  return fluxModules(dimensions).flatMap((module) => {
    const parts = module.diffusers.map(({ module: name }) => ({
      a: byName.get(`transformer.${name}.lora_A.weight`),
      b: byName.get(`transformer.${name}.lora_B.weight`),
    }));
    if (parts.some(({ a }) => a === undefined)) return [];
    return fusedPair(module, parts as { a: TensorToWrite; b: TensorToWrite }[], strength); // just checked
  });
}

function fusedPair(module: FluxModule, parts: { a: TensorToWrite; b: TensorToWrite }[], strength: number) {
  const rank = parts.reduce((sum, { a }) => sum + a.shape[0]!, 0); // matrices
  const up = new Float32Array(module.outWidth * rank);
  let row = 0;
  let column = 0;
  for (const { b } of parts) {
    const [rows, width] = b.shape as [number, number]; // matrices
    for (let i = 0; i < rows; i++) {
      for (let k = 0; k < width; k++) up[(row + i) * rank + column + k] = b.values[i * width + k]!; // in range
    }
    row += rows;
    column += width;
  }
  const name = `lora_unet_${module.name.replaceAll(".", "_")}`;
  const down = Float32Array.from(parts.flatMap(({ a }) => [...a.values]));
  return [
    { name: `${name}.lora_down.weight`, shape: [rank, module.inWidth], values: down, dtype: "BF16" as const },
    { name: `${name}.lora_up.weight`, shape: [module.outWidth, rank], values: up, dtype: "BF16" as const },
    { name: `${name}.alpha`, shape: [], values: Float32Array.of(strength * rank), dtype: "F32" as const },
  ];
}

function normNames(): string[] {
  return ["query", "key"].flatMap((kind) => [
    `double_blocks.0.img_attn.norm.${kind}_norm.scale`,
    `double_blocks.0.txt_attn.norm.${kind}_norm.scale`,
    `single_blocks.0.norm.${kind}_norm.scale`,
  ]);
}
