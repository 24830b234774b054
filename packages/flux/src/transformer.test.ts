import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readAdapter } from "./adapter-file.ts";
import type { WeightedAdapter } from "./adapter-feeds.ts";
import { asFloat16ModelFile, asModelFile, readGolden, relativeError, scratch, type Golden } from "./testing/golden.ts";
import { goldenDimensions, toBflLayout, toKohyaLayout } from "./testing/layouts.ts";
import { Transformer } from "./transformer.ts";
import { writeSafetensors, type TensorToWrite } from "./write-safetensors.ts";

const golden = await readGolden("transformer");
const lora = await readGolden("lora");
const tolerance = 5e-5;

/** Runs `use` with the golden transformer written in one of the two layouts. */
async function withTransformer<T>(
  tensors: readonly TensorToWrite[],
  use: (transformer: Transformer, folder: string) => Promise<T>,
): Promise<T> {
  return scratch(async (folder) => {
    const file = await asModelFile(folder, tensors);
    const transformer = await Transformer.open(file, { threads: 2, rotaryAxes: [8, 12, 12] });
    try {
      return await use(transformer, folder);
    } finally {
      await transformer.close();
    }
  });
}

/** The golden inputs of some of the two pictures, each with its adapters. */
async function sample(
  transformer: Transformer,
  { inputs }: Golden,
  adapters: readonly (readonly WeightedAdapter[])[] = [[], []],
  pictures: readonly number[] = [0, 1],
): Promise<Float32Array> {
  const part = (name: string, picture: number) => {
    const values = inputs.get(name)!; // the golden file has it
    return values.subarray((picture * values.length) / 2, ((picture + 1) * values.length) / 2);
  };
  const predict = transformer.prepare({
    rows: 4,
    columns: 6,
    textTokens: 8,
    pictures: pictures.map((picture, i) => ({
      text: part("encoder_hidden_states", picture),
      pooled: part("pooled_projections", picture),
      guidanceScale: part("guidance", picture)[0]!, // one per picture
      adapters: adapters[i]!, // one list per picture
    })),
  });
  const latents = Float32Array.from(pictures.flatMap((picture) => [...part("hidden_states", picture)]));
  return predict(latents, pictures.map((picture) => part("timestep", picture)[0]!));
}

async function adapterFrom(folder: string, transformer: Transformer, tensors: readonly TensorToWrite[]) {
  const path = join(folder, `adapter-${tensors.length}.safetensors`);
  await writeSafetensors(path, tensors);
  return readAdapter(path, transformer.weights);
}

describe("the transformer equals diffusers", () => {
  test("in the diffusers layout, for two pictures with their own sigma and guidance", async () => {
    await withTransformer(golden.weights, async (transformer) => {
      expect(transformer.weights.layout).toBe("diffusers");
      expect(transformer.weights.dimensions).toEqual(goldenDimensions);
      expect(relativeError(await sample(transformer, golden), golden.outputs.get("sample")!)).toBeLessThan(tolerance);
    });
  });

  test("in the original single-file layout, bit by bit the same as in the other", async () => {
    const own = await withTransformer(golden.weights, (transformer) => sample(transformer, golden));
    await withTransformer(toBflLayout(golden.weights, goldenDimensions), async (transformer) => {
      expect(transformer.weights.layout).toBe("bfl");
      expect(transformer.weights.dimensions).toEqual(goldenDimensions);
      expect(await sample(transformer, golden)).toEqual(own);
    });
  });

  test("with weights stored as binary16", async () => {
    await scratch(async (folder) => {
      const file = await asFloat16ModelFile(folder, golden.weights);
      expect(file.tensors.get("x_embedder.weight")?.dtype).toBe("F16");
      const transformer = await Transformer.open(file, { threads: 2, rotaryAxes: [8, 12, 12] });
      expect(relativeError(await sample(transformer, golden), golden.outputs.get("sample")!)).toBeLessThan(tolerance);
      await transformer.close();
    });
  });

  test("with weights stored as float32 as well as bfloat16", async () => {
    const wide = golden.weights.map((tensor) => ({ ...tensor, dtype: "F32" as const }));
    await withTransformer(wide, async (transformer) => {
      expect(relativeError(await sample(transformer, golden), golden.outputs.get("sample")!)).toBeLessThan(tolerance);
    });
  });
});

describe("an adapter", () => {
  test.each([1, 0.5])("at weight %d equals diffusers", async (weight) => {
    await withTransformer(golden.weights, async (transformer, folder) => {
      const adapter = await adapterFrom(folder, transformer, lora.weights);
      const use = [{ adapter, weight }];
      const expected = lora.outputs.get(`sample_weight_${weight.toFixed(1)}`)!; // the golden file has it
      expect(relativeError(await sample(transformer, lora, [use, use]), expected)).toBeLessThan(tolerance);
    });
  });

  test("in the public diffusers layout also fits a base in the original layout", async () => {
    await withTransformer(toBflLayout(golden.weights, goldenDimensions), async (transformer, folder) => {
      const use = [{ adapter: await adapterFrom(folder, transformer, lora.weights), weight: 1 }];
      const expected = lora.outputs.get("sample_weight_1.0")!; // the golden file has it
      expect(relativeError(await sample(transformer, lora, [use, use]), expected)).toBeLessThan(tolerance);
    });
  });

  test("in kohya's layout acts alike, and its alpha divided by its rank is its strength", async () => {
    await withTransformer(golden.weights, async (transformer, folder) => {
      const tensors = toKohyaLayout(lora.weights, { dimensions: goldenDimensions, strength: 0.5 });
      const use = [{ adapter: await adapterFrom(folder, transformer, tensors), weight: 1 }];
      const expected = lora.outputs.get("sample_weight_0.5")!; // the golden file has it
      expect(relativeError(await sample(transformer, lora, [use, use]), expected)).toBeLessThan(tolerance);
    });
  });

  test("twice at half its weight equals once at full weight", async () => {
    await withTransformer(golden.weights, async (transformer, folder) => {
      const adapter = await adapterFrom(folder, transformer, lora.weights);
      const halves = [{ adapter, weight: 0.5 }, { adapter, weight: 0.5 }];
      const expected = lora.outputs.get("sample_weight_1.0")!; // the golden file has it
      expect(relativeError(await sample(transformer, lora, [halves, halves]), expected)).toBeLessThan(tolerance);
    });
  });

  test("at weight 0 is bit by bit the base without it", async () => {
    await withTransformer(golden.weights, async (transformer, folder) => {
      const none = [{ adapter: await adapterFrom(folder, transformer, lora.weights), weight: 0 }];
      expect(await sample(transformer, lora, [none, none])).toEqual(await sample(transformer, lora));
    });
  });

  test("acts only on its own picture of a batch, each as when drawn alone", async () => {
    await withTransformer(golden.weights, async (transformer, folder) => {
      const adapter = await adapterFrom(folder, transformer, lora.weights);
      const strong = [{ adapter, weight: 1 }];
      const both = [{ adapter, weight: 0.5 }, { adapter, weight: -0.25 }];
      const batch = await sample(transformer, lora, [strong, both]);
      const first = await sample(transformer, lora, [strong], [0]);
      const second = await sample(transformer, lora, [both], [1]);
      expect(relativeError(batch.subarray(0, first.length), first)).toBeLessThan(1e-4);
      expect(relativeError(batch.subarray(first.length), second)).toBeLessThan(1e-4);
      const mixed = await sample(transformer, lora, [[], strong]);
      const bare = await sample(transformer, lora, [[]], [0]);
      expect(relativeError(mixed.subarray(0, bare.length), bare)).toBeLessThan(1e-4);
    });
  });
});

test("one and two threads give the same bits", async () => {
  await scratch(async (folder) => {
    const file = await asModelFile(folder, golden.weights);
    const results = [];
    for (const threads of [1, 2]) {
      const transformer = await Transformer.open(file, { threads, rotaryAxes: [8, 12, 12] });
      results.push(await sample(transformer, golden));
      await transformer.close();
    }
    expect(results[0]).toEqual(results[1]);
  });
});
