// From the adapters of every picture in a batch to the inputs of the transformer's graph.

import { Tensor } from "onnxruntime-node";
import type { Adapter, AdapterMatrices } from "./adapter-file.ts";
import type { FluxModule } from "./flux-modules.ts";
import { downName, upName } from "./lora-inputs.ts";

/** An adapter and how strongly it acts: 0 not at all, 1 as trained. */
export interface WeightedAdapter {
  readonly adapter: Adapter;
  readonly weight: number;
}

interface Part {
  readonly matrices: AdapterMatrices;
  readonly weight: number;
}

/** Inputs for a batch, made once per picture and fed at every step. `pictures`: the adapters of each picture;
 *  several act together by standing side by side in the rank. A picture with a lower rank than another's is padded
 *  with zeros. */
export function adapterFeeds(
  modules: Iterable<FluxModule>,
  pictures: readonly (readonly WeightedAdapter[])[],
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const module of modules) {
    const parts = pictures.map((adapters) => partsFor(module.name, adapters));
    const rank = Math.max(...parts.map((list) => list.reduce((sum, part) => sum + part.matrices.rank, 0)));
    const { down, up } = moduleMatrices(module, parts, rank);
    feeds[downName(module.name)] = new Tensor("float32", down, [pictures.length, module.inWidth, rank]);
    feeds[upName(module.name)] = new Tensor("float32", up, [pictures.length, rank, module.outWidth]);
  }
  return feeds;
}

function partsFor(module: string, adapters: readonly WeightedAdapter[]): Part[] {
  return adapters.flatMap(({ adapter, weight }) => {
    const matrices = adapter.modules.get(module);
    return matrices === undefined || weight === 0 ? [] : [{ matrices, weight }];
  });
}

function moduleMatrices({ inWidth, outWidth }: FluxModule, pictures: readonly Part[][], rank: number) {
  const [first] = pictures.flat();
  const isPlain = pictures.length === 1 && first?.matrices.rank === rank && first.weight === 1;
  if (isPlain) return first.matrices;
  const down = new Float32Array(pictures.length * inWidth * rank);
  const up = new Float32Array(pictures.length * rank * outWidth);
  for (const [picture, parts] of pictures.entries()) {
    let start = 0;
    for (const { matrices, weight } of parts) {
      copyDown(matrices, down, { rowStart: picture * inWidth, rank, start });
      const base = (picture * rank + start) * outWidth;
      for (let i = 0; i < matrices.up.length; i++) up[base + i] = matrices.up[i]! * weight; // in range
      start += matrices.rank;
    }
  }
  return { down, up };
}

/** Copies [inWidth, matrices.rank] into columns of a wider matrix. Counted loops here and above: with iterators and
 *  subarrays an adapter of rank 8 on the starter took 14 ms, so it takes 1. */
function copyDown(
  matrices: AdapterMatrices,
  down: Float32Array,
  { rowStart, rank, start }: { rowStart: number; rank: number; start: number },
): void {
  const own = matrices.rank;
  for (let from = 0, row = rowStart; from < matrices.down.length; from += own, row++) {
    for (let k = 0; k < own; k++) down[row * rank + start + k] = matrices.down[from + k]!; // in range
  }
}
