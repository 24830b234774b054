import { expect, test } from "vitest";
import { Enlarger } from "./enlarger.ts";
import { asModelFile, readGolden, relativeError, scratch } from "./testing/golden.ts";

const golden = await readGolden("enlarger");
const size = { widthPixels: 10, heightPixels: 6 };

test("the enlarger equals torch", async () => {
  await scratch(async (folder) => {
    const enlarger = await Enlarger.open(await asModelFile(folder, golden.weights), { threads: 2 });
    const output = await enlarger.run(golden.inputs.get("pictures")!, size); // the golden file has both
    expect(relativeError(output, golden.outputs.get("enlarged")!)).toBeLessThan(1e-5);
    await enlarger.close();
  });
});

test("bytes come out four times as wide and high, row by row, whatever the number of threads", async () => {
  await scratch(async (folder) => {
    const file = await asModelFile(folder, golden.weights);
    const planes = golden.inputs.get("pictures")!;
    const pixels = Uint8Array.from({ length: planes.length }, (_, i) =>
      Math.round((planes[(i % 3) * (planes.length / 3) + Math.floor(i / 3)]! + 1) * 127.5));
    const results: Uint8Array[] = [];
    for (const threads of [1, 2]) {
      const enlarger = await Enlarger.open(file, { threads });
      const out = await enlarger.enlarge({ pixels, ...size });
      expect([out.widthPixels, out.heightPixels, out.pixels.length]).toEqual([40, 24, 40 * 24 * 3]);
      results.push(out.pixels);
      await enlarger.close();
    }
    expect(results[1]).toEqual(results[0]);
    const expected = golden.outputs.get("enlarged")!;
    const green = (x: number, y: number) => Math.min(1, Math.max(0, expected[40 * 24 + y * 40 + x]! * 0.5 + 0.5)) * 255;
    for (const [x, y] of [[0, 0], [39, 0], [17, 5], [39, 23]] as const) {
      expect(Math.abs(results[0]![(y * 40 + x) * 3 + 1]! - green(x, y))).toBeLessThan(3); // the input was rounded to bytes
    }
  });
});

test("a file of other tensors is refused", async () => {
  await scratch(async (folder) => {
    const other = await asModelFile(folder, golden.weights.map((tensor) => ({ ...tensor, name: `x.${tensor.name}` })));
    await expect(Enlarger.open(other, { threads: 1 })).rejects.toMatchObject({ code: "MODEL_UNSUPPORTED" });
    const wrong = golden.weights.map((tensor) => (tensor.name === "layers.0.weight" ? { ...tensor, shape: [8, 3, 9] } : tensor));
    await expect(Enlarger.open(await asModelFile(folder, wrong), { threads: 1 })).rejects.toMatchObject({ code: "WEIGHTS_INVALID" });
  });
});
