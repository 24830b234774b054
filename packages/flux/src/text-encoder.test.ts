import { describe, expect, test } from "vitest";
import { openSession } from "./open-session.ts";
import { pooledMean } from "./prompt-tokens.ts";
import { openSafetensors, requireTensor } from "./safetensors.ts";
import { relativeBuckets, t5Graph, t5Width } from "./t5-graph.ts";
import { asModelFile, goldenPath, readGolden, relativeError, scratch } from "./testing/golden.ts";
import { runT5 } from "./text-encoder.ts";
import { readFile } from "node:fs/promises";

const config = { bucketCount: 32, maxDistance: 128, epsilon: 1e-6 };

async function goldenIds(): Promise<number[][]> {
  const file = await openSafetensors(goldenPath("t5.safetensors"));
  const { offsetBytes, sizeBytes } = requireTensor(file, "input.input_ids");
  const bytes = new Uint8Array((await readFile(file.path)).subarray(offsetBytes, offsetBytes + sizeBytes));
  const ids = Array.from(new BigInt64Array(bytes.buffer), Number);
  return [ids.slice(0, 40), ids.slice(40)];
}

test("the text encoder and its pooled mean equal transformers, padding attended to", async () => {
  const golden = await readGolden("t5");
  const ids = await goldenIds();
  await scratch(async (folder) => {
    const file = await asModelFile(folder, golden.weights);
    expect(t5Width(file)).toBe(48);
    const session = await openSession(t5Graph(file, config), file, { threads: 2 });
    const states = await runT5(session, ids, config);
    await session.release();
    expect(relativeError(states, golden.outputs.get("last_hidden_state")!)).toBeLessThan(1e-5);
    const pooled = ids.map((row, i) => pooledMean(states.subarray(i * 40 * 48, (i + 1) * 40 * 48), row));
    const joined = Float32Array.from(pooled.flatMap((row) => [...row]));
    expect(relativeError(joined, golden.outputs.get("pooled_mean")!)).toBeLessThan(1e-5);
  });
});

describe("buckets of relative positions", () => {
  const bucket = (query: number, key: number) => Number(relativeBuckets(300, config)[query * 300 + key]);

  test("near distances have one each, before and after apart", () => {
    expect([bucket(5, 5), bucket(5, 4), bucket(5, 6), bucket(9, 2), bucket(2, 9)]).toEqual([0, 1, 17, 7, 23]);
  });

  test("far distances share logarithmic ones, the last from the maximal distance on", () => {
    expect([bucket(0, 8), bucket(0, 16), bucket(0, 32), bucket(0, 128), bucket(0, 299)]).toEqual([24, 26, 28, 31, 31]);
  });
});

test("an encoder without gated feed-forward is refused", async () => {
  const { weights } = await readGolden("t5");
  await scratch(async (folder) => {
    const file = await asModelFile(folder, weights.filter(({ name }) => !name.includes("wi_0")));
    expect(() => t5Graph(file, config)).toThrow(/version 1.1/);
  });
});
