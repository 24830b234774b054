import { expect, test } from "vitest";
import { Decoder } from "./decoder.ts";
import { packLatents } from "./latents.ts";
import { asModelFile, readGolden, relativeError, scratch } from "./testing/golden.ts";

const golden = await readGolden("decoder");
const size = { channels: 16, rows: 4, columns: 6 };

test("the decoder equals diffusers for both pictures", async () => {
  await scratch(async (folder) => {
    const decoder = await Decoder.open(await asModelFile(folder, golden.weights), { threads: 2 });
    const latents = golden.inputs.get("latents")!; // the golden file has both
    const expected = golden.outputs.get("sample")!;
    for (const picture of [0, 1]) {
      const part = (values: Float32Array) =>
        values.slice((picture * values.length) / 2, ((picture + 1) * values.length) / 2);
      expect(relativeError(await decoder.decode(part(latents), size), part(expected))).toBeLessThan(1e-5);
    }
    await decoder.close();
  });
});

test("packed latents are scaled, shifted and decoded to bytes", async () => {
  await scratch(async (folder) => {
    const decoder = await Decoder.open(await asModelFile(folder, golden.weights), { threads: 1 });
    const planes = golden.inputs.get("latents")!.slice(0, 16 * 4 * 6);
    const stored = planes.map((value) => (value - 0.25) * 2);
    const pixels = await decoder.pixels(packLatents(stored, size), size, { scaling: 2, shift: 0.25 });
    const values = await decoder.decode(planes, size);
    expect(pixels.length).toBe(32 * 48 * 3);
    for (const i of [0, 100, 1535]) {
      const expected = Math.min(1, Math.max(0, values[i]! * 0.5 + 0.5)) * 255;
      expect(Math.abs(pixels[i * 3]! - expected)).toBeLessThanOrEqual(0.51);
    }
    await decoder.close();
  });
});

test("a file without decoder layers is refused, and so is one with gaps that no decoder has", async () => {
  await scratch(async (folder) => {
    const other = await asModelFile(folder, [{ ...golden.weights[0]!, name: "conv_in.weight" }]);
    await expect(Decoder.open(other, { threads: 1 })).rejects.toMatchObject({ code: "MODEL_UNSUPPORTED" });
    const far = { ...golden.weights[0]!, name: "decoder.layers.100000000.weight" };
    const gaps = await asModelFile(folder, [...golden.weights, far]);
    await expect(Decoder.open(gaps, { threads: 1 })).rejects.toThrow(/gaps/);
  });
});
