// Messages between a worker and its engine child: newline-delimited JSON on a pipe of their own (file descriptor 3, both ways).

import { z } from "zod";

export const engineProtocolVersion = 1;

const adapterUse = z.object({ path: z.string(), weight: z.number() });

/** Characters of a preview: with what goes with it, it fits into one notification of PostgreSQL (8,000 bytes). */
export const previewCharacters = 7_500;

/** A picture of at most 128 pixels a side as a `data:` URI. */
export const previewSchema = z.string().max(previewCharacters).regex(/^data:image\/(webp|png|jpeg);base64,[A-Za-z0-9+/]+={0,2}$/);

/** Values of one image run, already validated. `seed` is the seed of image 0; image k uses `seed + k` modulo 2^32. */
export const imageInputSchema = z.object({
  prompt: z.string(),
  steps: z.int().positive(),
  guidanceScale: z.number().nonnegative(),
  seed: z.int().nonnegative(),
  widthPixels: z.int().positive(),
  heightPixels: z.int().positive(),
  samples: z.int().positive(),
});

/** A file of the caller, on the disk for as long as the run goes on. `name`: as the caller calls it, for people. */
export const inputFileSchema = z.object({ parameter: z.string(), path: z.string(), name: z.string() });

export const toEngineSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("init"), protocol: z.int(), threads: z.int().positive() }),
  /** `basePath`: absolute folder of the base model. Loading what is already loaded costs nothing. */
  z.object({ type: z.literal("load"), requestId: z.string(), basePath: z.string(), adapters: z.array(adapterUse) }),
  z.object({
    type: z.literal("run"),
    runId: z.string(),
    basePath: z.string(),
    adapters: z.array(adapterUse),
    input: imageInputSchema,
    /** Existing folder; the engine writes `0.png`, `1.png`, ... into it. */
    outputFolder: z.string(),
    /** Text for the pictures' metadata (never an id or a time): model name, variant. */
    metadata: z.record(z.string(), z.string()),
  }),
  /** Makes files from files: of a model that works on what callers bring. Answered like `run`. */
  z.object({
    type: z.literal("transform"),
    runId: z.string(),
    /** What to do; an engine names those that it can in its capabilities. */
    operation: z.string(),
    /** Validated values under the manifest's parameter names. */
    values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
    files: z.array(inputFileSchema),
    outputFolder: z.string(),
    metadata: z.record(z.string(), z.string()),
  }),
  z.object({ type: z.literal("cancel"), runId: z.string() }),
  /** Somebody looks at the run: from now on its progress has previews now and then, as far as the engine can make some. */
  z.object({ type: z.literal("preview"), runId: z.string() }),
  z.object({ type: z.literal("unload"), basePath: z.string() }),
  z.object({ type: z.literal("health"), requestId: z.string() }),
  z.object({ type: z.literal("shutdown") }),
]);

export const fromEngineSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), protocol: z.int(), engine: z.string(), capabilities: z.record(z.string(), z.unknown()) }),
  z.object({ type: z.literal("loaded"), requestId: z.string(), loadMs: z.number(), loadCount: z.int() }),
  z.object({ type: z.literal("started"), runId: z.string() }),
  z.object({
    type: z.literal("progress"),
    runId: z.string(),
    /** Index of the picture being drawn, from 0. */
    index: z.int(),
    /** Steps finished and steps in all, over the whole run (all its pictures). */
    step: z.int(),
    stepTotal: z.int(),
    secondsPerStep: z.number(),
    /** What the picture will look like, as far as that can be told: a small one. */
    preview: previewSchema.optional(),
  }),
  z.object({ type: z.literal("output"), runId: z.string(), index: z.int(), path: z.string(), contentType: z.string() }),
  z.object({ type: z.literal("log"), level: z.enum(["info", "warn", "error"]), text: z.string() }),
  /** `loadCount`: how often this process loaded a base since it started (a warm run does not raise it). */
  z.object({ type: z.literal("done"), runId: z.string(), loadCount: z.int(), elapsedMs: z.number() }),
  z.object({ type: z.literal("failed"), runId: z.string(), code: z.string(), message: z.string() }),
  z.object({ type: z.literal("cancelled"), runId: z.string() }),
  z.object({ type: z.literal("health"), requestId: z.string(), residentBytes: z.int() }),
  z.object({ type: z.literal("fatal"), code: z.string(), message: z.string() }),
]);

export type EngineInputFile = z.infer<typeof inputFileSchema>;
export type ImageInput = z.infer<typeof imageInputSchema>;
export type ToEngine = z.infer<typeof toEngineSchema>;
export type FromEngine = z.infer<typeof fromEngineSchema>;
