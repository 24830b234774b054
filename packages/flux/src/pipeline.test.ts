import { cp, mkdtemp, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limits } from "./limits.ts";
import { openPipeline, type GenerateRequest, type Picture, type Pipeline, type StepReport } from "./pipeline.ts";
import { pipelinePaths } from "./pipeline-files.ts";
import { writeRandomAdapter, writeRandomModel } from "./random-model.ts";

let folder: string;
let base: string;
let adapterPath: string;
let otherAdapterPath: string;
let pipeline: Pipeline;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-pipeline-"));
  base = join(folder, "starter");
  adapterPath = join(folder, "adapters/a.safetensors");
  otherAdapterPath = join(folder, "adapters/b.safetensors");
  await writeRandomModel(base, { nativePixels: 64 });
  await writeRandomAdapter(adapterPath, { seed: 1000 });
  await writeRandomAdapter(otherAdapterPath, { seed: 5000, rank: 2 });
  pipeline = await openPipeline(base, { threads: 2 });
});

afterAll(async () => {
  await pipeline.close();
  await rm(folder, { recursive: true, force: true });
});

const request: GenerateRequest = {
  prompt: "a red planet with golden rings",
  steps: 3,
  guidanceScale: 3.5,
  seed: 7,
  widthPixels: 64,
  heightPixels: 64,
  samples: 1,
  adapters: [],
};

async function draw(change: Partial<GenerateRequest> = {}, from: Pipeline = pipeline): Promise<Picture[]> {
  const pictures: Picture[] = [];
  for await (const picture of from.generate({ ...request, ...change })) pictures.push(picture);
  return pictures;
}

async function drawOne(change: Partial<GenerateRequest> = {}): Promise<Uint8Array> {
  const [picture] = await draw(change);
  return picture!.pixels; // one sample
}

describe("a picture is a pure function of its input", () => {
  test("the same input gives the same bytes, also from a pipeline opened anew with another number of threads", async () => {
    const own = await drawOne();
    const another = await openPipeline(base, { threads: 1 });
    const [again] = await draw({}, another);
    await another.close();
    expect(await drawOne()).toEqual(own);
    expect(again!.pixels).toEqual(own);
  });

  test("picture k of a run is the picture of seed + k", async () => {
    const run = await draw({ samples: 3 });
    expect(run.map(({ index, seed }) => [index, seed])).toEqual([[0, 7], [1, 8], [2, 9]]);
    expect(run[2]!.pixels).toEqual(await drawOne({ seed: 9 }));
  });

  test("the seed after the largest one is 0", async () => {
    const run = await draw({ seed: 4294967295, samples: 2 });
    expect(run[1]!.seed).toBe(0);
    expect(run[1]!.pixels).toEqual(await drawOne({ seed: 0 }));
  });

  test.each([
    { seed: 8 },
    { prompt: "a blue planet" },
    { steps: 4 },
    { guidanceScale: 6 },
    { widthPixels: 128 },
  ])("another input, %j, gives another picture", async (change) => {
    expect(await drawOne(change)).not.toEqual(await drawOne());
  });
});

describe("guidance", () => {
  test("is clamped to what the base was trained on", async () => {
    const [low] = await draw({ guidanceScale: 0 });
    const [high] = await draw({ guidanceScale: 30 });
    expect([low!.guidanceScale, high!.guidanceScale]).toEqual([1, 10]);
    expect(low!.pixels).toEqual(await drawOne({ guidanceScale: 1 }));
  });
});

describe("size", () => {
  test("is the native area in the aspect ratio asked for", async () => {
    const [picture] = await draw({ widthPixels: 1024, heightPixels: 512 });
    expect([picture!.widthPixels, picture!.heightPixels]).toEqual([96, 48]);
    expect(picture!.pixels.length).toBe(96 * 48 * 3);
  });
});

describe("adapters", () => {
  test("change the picture, more so with more weight, and leave no trace behind", async () => {
    const bare = await drawOne();
    const half = await drawOne({ adapters: [{ path: adapterPath, weight: 0.5 }] });
    const full = await drawOne({ adapters: [{ path: adapterPath, weight: 1 }] });
    expect(meanDifference(full, bare)).toBeGreaterThan(meanDifference(half, bare));
    expect(meanDifference(half, bare)).toBeGreaterThan(0);
    expect(await drawOne()).toEqual(bare);
  });

  test("of a batch act on their own picture only", async () => {
    const pictures = [
      { ...request, adapters: [] },
      { ...request, seed: 11, adapters: [{ path: adapterPath, weight: 1 }] },
      { ...request, adapters: [{ path: adapterPath, weight: 0.5 }, { path: otherAdapterPath, weight: 1 }] },
    ];
    const batch = await pipeline.drawBatch({ ...request, pictures });
    for (const [i, picture] of pictures.entries()) {
      const alone = await drawOne({ seed: picture.seed, adapters: picture.adapters });
      expect(largestDifference(batch[i]!.pixels, alone)).toBeLessThanOrEqual(1);
    }
  });
});

describe("a batch", () => {
  test("whose prompts are of unequal length is refused", async () => {
    const pictures = [request, { ...request, prompt: "a much longer prompt than the other one has" }];
    await expect(pipeline.drawBatch({ ...request, pictures })).rejects.toMatchObject({ code: "INPUT_INVALID" });
  });

  test("with a seed beyond 32 bits is refused", async () => {
    const pictures = [{ ...request, seed: 2 ** 32 }];
    await expect(pipeline.drawBatch({ ...request, pictures })).rejects.toMatchObject({ code: "INPUT_INVALID" });
  });

  test("of no pictures or too many is refused", async () => {
    for (const pictures of [[], Array.from({ length: 17 }, () => request)]) {
      await expect(pipeline.drawBatch({ ...request, pictures })).rejects.toMatchObject({ code: "INPUT_INVALID" });
    }
  });
});

const undrawable: [string, Partial<GenerateRequest>][] = [
  ["no steps", { steps: 0 }],
  ["half a step", { steps: 2.5 }],
  ["too many steps", { steps: 1001 }],
  ["no samples", { samples: 0 }],
  ["a negative seed", { seed: -1 }],
  ["a seed of 33 bits", { seed: 2 ** 32 }],
  ["no width", { widthPixels: 0 }],
  ["too much height", { heightPixels: 8193 }],
  ["a guidance scale that is no number", { guidanceScale: Number.NaN }],
  ["an infinite adapter weight", { adapters: [{ path: "/a", weight: Infinity }] }],
  ["too many adapters", { adapters: Array.from({ length: 17 }, () => ({ path: "/a", weight: 1 })) }],
  ["a book for a prompt", { prompt: "x".repeat(100_001) }],
];

test.each(undrawable)("%s is refused", async (_, change) => {
  await expect(drawOne(change)).rejects.toMatchObject({ code: "INPUT_INVALID" });
});

describe("progress and cancellation", () => {
  test("every step of every picture is reported, and messages are handled in between", async () => {
    const reports: StepReport[] = [];
    let ticks = 0;
    const timer = setInterval(() => ticks++, 0);
    for await (const picture of pipeline.generate({ ...request, samples: 2 }, { onStep: (r) => void reports.push(r) })) {
      expect(picture.pixels.length).toBe(64 * 64 * 3);
    }
    clearInterval(timer);
    expect(reports).toEqual([1, 2, 3, 4, 5, 6].map((step) => ({ index: step > 3 ? 1 : 0, step, stepTotal: 6 })));
    expect(ticks).toBeGreaterThan(0);
  });

  test("an aborted signal ends the drawing after the step at work", async () => {
    const controller = new AbortController();
    const steps: number[] = [];
    const drawing = pipeline.drawBatch(
      { ...request, steps: 100, pictures: [request] },
      {
        signal: controller.signal,
        onStep: ({ step }) => {
          steps.push(step);
          if (step === 2) controller.abort();
        },
      },
    );
    await expect(drawing).rejects.toMatchObject({ code: "CANCELLED" });
    expect(steps).toEqual([1, 2]);
  });

  test("an abort that arrives as an event between steps is noticed", async () => {
    const controller = new AbortController();
    let steps = 0;
    const drawing = pipeline.drawBatch(
      { ...request, steps: 1000, pictures: [request] },
      { signal: controller.signal, onStep: () => void steps++ },
    );
    setTimeout(() => controller.abort(), 1);
    await expect(drawing).rejects.toMatchObject({ code: "CANCELLED" });
    expect(steps).toBeLessThan(1000);
  });
});

describe("a folder that is not whole is refused with the path of the file", () => {
  async function broken(change: (folder: string) => Promise<unknown>): Promise<Promise<Pipeline>> {
    const copy = await mkdtemp(join(folder, "broken-"));
    await cp(base, copy, { recursive: true });
    await change(copy);
    return openPipeline(copy, { threads: 1 });
  }

  test.each(Object.values(pipelinePaths))("%s missing", async (path) => {
    const opening = broken((copy) => rename(join(copy, path), join(copy, `${path}.away`)));
    await expect(opening).rejects.toMatchObject({ code: "WEIGHTS_MISSING" });
    await expect(opening).rejects.toThrow(path);
  });

  test.each([pipelinePaths.transformer, pipelinePaths.decoder, pipelinePaths.textEncoder])("%s cut off", async (path) => {
    const opening = broken(async (copy) => truncate(join(copy, path), (await readFile(join(copy, path))).length - 1));
    await expect(opening).rejects.toMatchObject({ code: "WEIGHTS_INVALID" });
    await expect(opening).rejects.toThrow(path);
  });

  test("a text encoder, or rotary axes, of another model", async () => {
    const other = join(folder, "wide");
    await writeRandomModel(other, { textWidth: 128 });
    const foreign = broken((copy) => cp(join(other, pipelinePaths.textEncoder), join(copy, pipelinePaths.textEncoder)));
    await expect(foreign).rejects.toThrow(/the text encoder gives 128/);
    const axes = JSON.stringify({ axes_dims_rope: [16, 56, 54] });
    const opening = broken((copy) => writeFile(join(copy, pipelinePaths.transformerConfig), axes));
    await expect(opening).rejects.toThrow(/rotary axes sum up to 126/);
  });

  test("settings that this package does not implement", async () => {
    const scheduler = { use_karras_sigmas: true };
    const opening = broken((copy) => writeFile(join(copy, pipelinePaths.scheduler), JSON.stringify(scheduler)));
    await expect(opening).rejects.toMatchObject({ code: "MODEL_UNSUPPORTED" });
  });

  test("a configuration larger than any", async () => {
    const opening = broken((copy) => writeFile(join(copy, pipelinePaths.starter), " ".repeat(limits.configBytes) + "{}"));
    await expect(opening).rejects.toThrow(/starter\.json: is .* bytes long; at most/);
  });

  test.each(["{", "[]", '{"nativePixels":-1}', '{"guidanceRange":[1]}', '{"aspectRange":[2,1]}'])("a starter.json of %s", async (text) => {
    const opening = broken((copy) => writeFile(join(copy, pipelinePaths.starter), text));
    await expect(opening).rejects.toMatchObject({ code: "WEIGHTS_INVALID" });
  });
});

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}
