// The output schemas of the tools: addresses are absolute, sizes and counts whole numbers (contract, "MCP").

import { z } from "zod";

const count = z.number().int().nonnegative();
const absoluteUrl = z.url();

const nextAction = z.object({ tool: z.string(), arguments: z.record(z.string(), z.unknown()), reason: z.string() });

const states = z.enum(["submitted", "running", "completed", "failed", "cancelled"]);

const taskReference = z.object({
  id: z.string().optional(),
  token: z.string().optional(),
  model: z.string().optional(),
  status: z.string().optional(),
  exitCode: z.string().optional(),
  durationSeconds: z.number().nullable().optional(),
  costUsd: z.number().nullable().optional(),
});

const taskOutput = z.object({
  name: z.string().optional(),
  mimeType: z.string(),
  sizeBytes: count.nullable(),
  url: absoluteUrl.optional(),
  kind: z.enum(["image", "video", "audio", "text", "file"]),
});

const modelSummary = z.object({
  slug: z.string(),
  title: z.string(),
  description: z.string().optional(),
  categories: z.array(z.string()),
  pricing: z.string().optional(),
  estimatedCostUsd: z.number().nullable().optional(),
});

const modelParameter = z.object({
  id: z.string(),
  type: z.string(),
  label: z.string(),
  description: z.string().optional(),
  default: z.string().optional(),
  required: z.boolean(),
  placeholder: z.string().optional(),
  note: z.string().optional(),
  options: z.array(z.object({ label: z.string(), value: z.string(), cover: absoluteUrl.optional() })),
  min: z.number().optional(),
  max: z.number().optional(),
  step: z.number().optional(),
  advanced: z.boolean(),
});

const pageOf = { total: count, start: count, limit: z.number().int().positive(), nextStart: count.nullable() };

export const modelListAnswer = z.object({ models: z.array(modelSummary), ...pageOf, nextAction: nextAction.optional() });

export const modelDetailAnswer = z.object({
  model: modelSummary.extend({ parameters: z.array(z.object({ title: z.string(), items: z.array(modelParameter) })) }),
  nextAction,
});

export const exploreAnswer = z.object({
  categories: z.array(z.object({ title: z.string(), total: count, models: z.array(modelSummary) })),
  nextAction: nextAction.optional(),
});

export const taskAnswer = z.object({
  state: states,
  task: taskReference,
  outputs: z.array(taskOutput),
  error: z.string().optional(),
  nextAction: nextAction.optional(),
});

export const taskListAnswer = z.object({
  tasks: z.array(z.object({ state: states, task: taskReference, outputs: z.array(taskOutput) })),
  ...pageOf,
  nextAction: nextAction.optional(),
});

export const priceAnswer = z.object({
  state: states,
  task: taskReference,
  billed: z.boolean().nullable(),
  costUsd: z.number().nullable(),
  nextAction: nextAction.optional(),
});

export const actionAnswer = z.object({
  action: z.enum(["cancel", "kill"]),
  success: z.boolean(),
  task: z.object({ id: z.string().optional(), token: z.string().optional() }),
  message: z.string(),
});

export const fileAnswer = z.object({
  file: z.object({ id: z.string(), name: z.string(), mimeType: z.string(), sizeBytes: count.nullable(), url: absoluteUrl }),
});

export const docsAnswer = z.object({
  query: z.string(),
  matches: z.array(z.object({ title: z.string(), text: z.string() })),
  docsUrl: absoluteUrl,
});

export type ModelSummary = z.infer<typeof modelSummary>;
export type TaskAnswer = z.infer<typeof taskAnswer>;
