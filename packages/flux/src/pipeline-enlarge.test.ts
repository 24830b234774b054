import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RgbPicture } from "./enlarger.ts";
import { limits } from "./limits.ts";
import { openPipeline, type Pipeline } from "./pipeline.ts";
import { optionalPaths } from "./pipeline-files.ts";
import { writeRandomModel } from "./random-model.ts";

let folder: string;
let pipeline: Pipeline;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-enlarge-"));
  await writeRandomModel(join(folder, "with"), { nativePixels: 64, enlargerChannels: 4 });
  await writeRandomModel(join(folder, "without"), { nativePixels: 64 });
  pipeline = await openPipeline(join(folder, "with"), { threads: 1 });
});

afterAll(async () => {
  await pipeline.close();
  await rm(folder, { recursive: true, force: true });
});

function grey(widthPixels: number, heightPixels: number): RgbPicture {
  return { pixels: new Uint8Array(widthPixels * heightPixels * 3).fill(128), widthPixels, heightPixels };
}

test("a picture is made larger when a larger one is asked for, in either direction", async () => {
  for (const requested of [{ widthPixels: 80, heightPixels: 64 }, { widthPixels: 64, heightPixels: 65 }]) {
    const out = await pipeline.enlarge(grey(64, 64), requested);
    expect([out.widthPixels, out.heightPixels, out.pixels.length]).toEqual([256, 256, 256 * 256 * 3]);
  }
});

test("a picture that is as large as asked for, or larger, is left as it is", async () => {
  const picture = grey(64, 48);
  expect(await pipeline.enlarge(picture, { widthPixels: 64, heightPixels: 48 })).toBe(picture);
  expect(await pipeline.enlarge(picture, { widthPixels: 32, heightPixels: 32 })).toBe(picture);
});

test("a picture beyond the enlarger's limit is left to the resampling", async () => {
  const picture = grey(limits.enlargerInputPixels / 512 + 1, 512);
  expect(await pipeline.enlarge(picture, { widthPixels: 4096, heightPixels: 4096 })).toBe(picture);
});

test("a base without an enlarger draws as before", async () => {
  const without = await openPipeline(join(folder, "without"), { threads: 1 });
  const picture = grey(64, 64);
  expect(await without.enlarge(picture, { widthPixels: 256, heightPixels: 256 })).toBe(picture);
  expect(without.weightBytes).toBeLessThan(pipeline.weightBytes);
  await without.close();
});

test("an enlarger that is cut off is refused with its path", async () => {
  const base = join(folder, "cut");
  await writeRandomModel(base, { nativePixels: 64, enlargerChannels: 4 });
  await truncate(join(base, optionalPaths.enlarger), 500);
  await expect(openPipeline(base, { threads: 1 })).rejects.toThrow(optionalPaths.enlarger);
});
