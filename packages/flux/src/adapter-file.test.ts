import { rm, truncate, utimes } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AdapterCache } from "./adapter-cache.ts";
import { readAdapter } from "./adapter-file.ts";
import { fluxModules } from "./flux-modules.ts";
import { limits } from "./limits.ts";
import { readFluxWeights, type FluxWeights } from "./flux-weights.ts";
import { asModelFile, readGolden, scratch } from "./testing/golden.ts";
import { goldenDimensions } from "./testing/layouts.ts";
import { writeSafetensors, type TensorToWrite } from "./write-safetensors.ts";

const base = await readGolden("transformer");

interface Setup {
  readonly weights: FluxWeights;
  readonly write: (tensors: readonly TensorToWrite[], metadata?: Record<string, string>) => Promise<string>;
}

async function setup<T>(use: (tools: Setup) => Promise<T>): Promise<T> {
  return scratch(async (folder) => {
    const weights = readFluxWeights(await asModelFile(folder, base.weights));
    let count = 0;
    const write: Setup["write"] = async (tensors, metadata = {}) => {
      const path = join(folder, `adapter-${count++}.safetensors`);
      await writeSafetensors(path, tensors, metadata);
      return path;
    };
    return use({ weights, write });
  });
}

/** A pair of matrices for one module, every value of A 1 and of B the row's number. */
function pair(name: string, sizes: { rank: number; inWidth: number; outWidth: number }): TensorToWrite[] {
  const { rank, inWidth, outWidth } = sizes;
  const up = Float32Array.from({ length: outWidth * rank }, (_, i) => Math.floor(i / rank));
  return [
    { name: `${name}.lora_A.weight`, shape: [rank, inWidth], values: new Float32Array(rank * inWidth).fill(1), dtype: "F32" },
    { name: `${name}.lora_B.weight`, shape: [outWidth, rank], values: up, dtype: "F32" },
  ];
}

const keyPair = pair("transformer.transformer_blocks.0.attn.to_k", { rank: 2, inWidth: 64, outWidth: 64 });

describe("reading", () => {
  test("one projection of three fills only its own columns of the fused module", async () => {
    await setup(async ({ weights, write }) => {
      const adapter = await readAdapter(await write(keyPair), weights);
      expect([...adapter.modules.keys()]).toEqual(["double_blocks.0.img_attn.qkv"]);
      const { rank, up, down } = adapter.modules.get("double_blocks.0.img_attn.qkv")!;
      expect([rank, down.length, up.length]).toEqual([2, 128, 2 * 192]);
      expect([up[0], up[63], up[64], up[65], up[127], up[128], up[191]]).toEqual([0, 0, 0, 1, 63, 0, 0]);
    });
  });

  test("the last modulation of diffusers is turned to shift before scale", async () => {
    await setup(async ({ weights, write }) => {
      const tensors = pair("transformer.norm_out.linear", { rank: 1, inWidth: 64, outWidth: 128 });
      const { up } = (await readAdapter(await write(tensors), weights)).modules.get("final_layer.adaLN_modulation.1")!;
      expect([up[0], up[63], up[64], up[127]]).toEqual([64, 127, 0, 63]);
    });
  });

  test("every module of a transformer can carry an adapter", async () => {
    await setup(async ({ weights, write }) => {
      const modules = fluxModules(goldenDimensions);
      const tensors = modules.flatMap((module) => pair(`diffusion_model.${module.name}`, { rank: 1, ...module }));
      const adapter = await readAdapter(await write(tensors), weights);
      expect([...adapter.modules.keys()]).toEqual(modules.map((module) => module.name));
    });
  });

  test("alpha in PEFT's metadata is divided by the rank", async () => {
    await setup(async ({ weights, write }) => {
      const metadata = { lora_adapter_metadata: JSON.stringify({ "transformer.r": 2, "transformer.lora_alpha": 8 }) };
      const { up } = (await readAdapter(await write(keyPair, metadata), weights)).modules.get("double_blocks.0.img_attn.qkv")!;
      expect([up[65], up[127]]).toEqual([4, 252]);
    });
  });
});

describe("an adapter that does not fit is refused with the tensor's name", () => {
  const other = { rank: 2, inWidth: 32, outWidth: 64 };
  const cases: [string, TensorToWrite[], RegExp][] = [
    ["a module that is not there", pair("transformer.transformer_blocks.7.attn.to_k", other), /transformer_blocks\.7/],
    ["another model's adapter", pair("text_encoder.layers.0.q_proj", other), /belongs to no module/],
    ["another width", pair("transformer.transformer_blocks.0.attn.to_k", other), /maps 32 to 64/],
    ["half a pair", keyPair.slice(0, 1), /only one of its two/],
    ["unequal ranks", [keyPair[0]!, { ...keyPair[1]!, shape: [128, 1] }], /rank 1, its partner 2/],
    ["a matrix with one dimension", [{ ...keyPair[0]!, shape: [128] }], /not a matrix/],
    ["nothing at all", [], /no adapter matrices/],
  ];
  test.each(cases)("%s", async (_, tensors, message) => {
    await setup(async ({ weights, write }) => {
      await expect(readAdapter(await write(tensors), weights)).rejects.toThrow(message);
    });
  });

  test("a file over the limit, before anything of it is read", async () => {
    await setup(async ({ weights, write }) => {
      const path = await write(keyPair);
      await truncate(path, limits.adapterBytes + 1);
      await expect(readAdapter(path, weights)).rejects.toThrow(/an adapter has at most/);
    });
  });

  test("a missing file", async () => {
    await setup(async ({ weights }) => {
      await expect(readAdapter("/nowhere/a.safetensors", weights)).rejects.toMatchObject({ code: "WEIGHTS_MISSING" });
    });
  });

  test("alpha patterns and rank-stabilised adapters, which would act wrongly", async () => {
    await setup(async ({ weights, write }) => {
      for (const config of [{ "transformer.alpha_pattern": { to_k: 4 } }, { "transformer.use_rslora": true }]) {
        const path = await write(keyPair, { lora_adapter_metadata: JSON.stringify(config) });
        await expect(readAdapter(path, weights)).rejects.toMatchObject({ code: "MODEL_UNSUPPORTED" });
      }
    });
  });
});

describe("the cache", () => {
  test("reads a file once, and again when it was modified", async () => {
    await setup(async ({ weights, write }) => {
      const cache = new AdapterCache(weights);
      const path = await write(keyPair);
      const first = await cache.get(path);
      expect(await cache.get(path)).toBe(first);
      await utimes(path, new Date(), new Date(Date.now() + 5_000));
      expect(await cache.get(path)).not.toBe(first);
    });
  });

  test("lets the least recently used go when it is full", async () => {
    await setup(async ({ weights, write }) => {
      const [first, second, third] = [await write(keyPair), await write(keyPair), await write(keyPair)];
      const oneBytes = (128 + 2 * 192) * 4;
      const cache = new AdapterCache(weights, 2 * oneBytes);
      const kept = await cache.get(first!);
      await cache.get(second!);
      await cache.get(first!);
      await cache.get(third!);
      expect(cache.sizeBytes).toBe(2 * oneBytes);
      expect(await cache.get(first!)).toBe(kept);
    });
  });

  test("a file that disappeared is missing, even when it was read before", async () => {
    await setup(async ({ weights, write }) => {
      const cache = new AdapterCache(weights);
      const path = await write(keyPair);
      await cache.get(path);
      await rm(path);
      await expect(cache.get(path)).rejects.toMatchObject({ code: "WEIGHTS_MISSING" });
    });
  });
});
