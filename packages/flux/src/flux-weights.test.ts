import { describe, expect, test } from "vitest";
import { readFluxWeights } from "./flux-weights.ts";
import { asModelFile, readGolden, scratch } from "./testing/golden.ts";
import { goldenDimensions, toBflLayout } from "./testing/layouts.ts";
import type { TensorToWrite } from "./write-safetensors.ts";

const { weights: golden } = await readGolden("transformer");
const single = toBflLayout(golden, goldenDimensions);

async function dimensionsOf(tensors: readonly TensorToWrite[]) {
  return scratch(async (folder) => readFluxWeights(await asModelFile(folder, tensors)).dimensions);
}

test("guidance is read off the file: without its embedder the model has none", async () => {
  const without = golden.filter(({ name }) => !name.includes("guidance_embedder"));
  expect(await dimensionsOf(without)).toEqual({ ...goldenDimensions, hasGuidance: false });
});

test("the number of blocks is read off the file", async () => {
  const copies = single
    .filter(({ name }) => name.startsWith("single_blocks.0."))
    .map((tensor) => ({ ...tensor, name: tensor.name.replace(".0.", ".1.") }));
  expect(await dimensionsOf([...single, ...copies])).toEqual({ ...goldenDimensions, singleBlocks: 2 });
});

describe("a file that is no sound transformer is refused with the tensor's name", () => {
  test("another kind of model", async () => {
    const other = [{ ...golden[0]!, name: "model.diffusion_model.out.weight" }];
    await expect(dimensionsOf(other)).rejects.toMatchObject({ code: "MODEL_UNSUPPORTED" });
  });

  test.each(["transformer_blocks.0.attn.to_k.weight", "norm_out.linear.bias", "single_transformer_blocks.0.proj_mlp.weight"])(
    "%s missing",
    async (name) => {
      const without = golden.filter((tensor) => tensor.name !== name);
      await expect(dimensionsOf(without)).rejects.toMatchObject({ code: "WEIGHTS_INVALID" });
      await expect(dimensionsOf(without)).rejects.toThrow(name);
    },
  );

  test("a matrix of another shape", async () => {
    const wrong = golden.map((tensor) =>
      tensor.name === "transformer_blocks.0.ff.net.2.weight" ? { ...tensor, shape: [256, 64] } : tensor,
    );
    await expect(dimensionsOf(wrong)).rejects.toThrow(/ff\.net\.2\.weight" is \[256,64\], expected \[64,256\]/);
  });

  test("blocks with a gap in their numbers", async () => {
    const copies = single
      .filter(({ name }) => name.startsWith("double_blocks.0."))
      .map((tensor) => ({ ...tensor, name: tensor.name.replace(".0.", ".2.") }));
    await expect(dimensionsOf([...single, ...copies])).rejects.toThrow(/without gaps/);
  });
});
