// The file that declares a model: what it is called, what it takes, what it costs and how it can be run.

import { z } from "zod";

import { parameterTypes } from "./parameter-kind.ts";

/** How a manifest names a sample: a file directly in the folder `samples` beside it. */
export const sampleForm = /^samples\/[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

const optionSchema = z.strictObject({
  label: z.string(),
  value: z.string(),
  /** A picture that shows the choice: a file directly in the folder `samples` beside the manifest. */
  cover: z.string().regex(sampleForm).optional(),
});

/** One declared input, in the wire contract's own words (docs/wire-contract.md, "Parameters"). */
export const parameterSchema = z.strictObject({
  id: z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/),
  type: z.enum(parameterTypes),
  label: z.string(),
  note: z.string().default(""),
  description: z.string().optional(),
  placeholder: z.string().optional(),
  required: z.boolean().default(false),
  default: z.string().default(""),
  options: z.array(optionSchema).optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  step: z.number().optional(),
  advanced: z.boolean().optional(),
  /** `seed`: -1 asks to draw one, and so does an empty default; the value drawn is stored with the task. */
  role: z.enum(["seed"]).optional(),
});

const adapterUseSchema = z.strictObject({
  /** File under the models folder, e.g. `adapters/baroque-space-opera.safetensors`. */
  file: z.string(),
  weight: z.number().default(1),
});

/** One way to run a model. The first variant that a live worker can run is used. */
export const variantSchema = z.strictObject({
  name: z.string(),
  engine: z.string(),
  /** Folder of the base model under the models folder, e.g. `starter`; "" for an engine that needs none. */
  base: z.string().default(""),
  /** For an engine that works on files: what it does with them, e.g. `enlarge`. */
  operation: z.string().optional(),
  adapters: z.array(adapterUseSchema).default([]),
});

/** By second, by run, and by output. */
export const priceMethods = ["cps", "cpr", "cpo"] as const;

export const priceSchema = z.strictObject({
  /** Parameter to value, or `QUANTITY:n` for a number of files or choices; a run that has them all is charged by this price. */
  inputs: z.record(z.string(), z.string()).default({}),
  /** US dollars. */
  price: z.string().regex(/^[0-9]{1,9}\.[0-9]{1,12}$/, "a price is text: dollars, a dot and up to 12 decimals"),
  priceMethod: z.enum(priceMethods, {
    error: "this server charges by cps (second), cpr (run) and cpo (output); it cannot measure what other methods count",
  }),
});

/** URL forms that official clients accept; they address no model of any other name. */
const cleanForm = /^[a-z0-9][a-z0-9._-]*$/;

/** A display form whose URL form clients can address. */
export const slugSchema = z
  .string()
  .refine((display) => cleanForm.test(cleanSlug(display)), "a name begins with a letter or digit of ASCII and has nothing else but those, dots, hyphens, underscores and spaces");

/** A year. */
const maxDeadlineSeconds = 31_536_000;

export const manifestSchema = z.strictObject({
  /** Wire `modelid`: decimal digits. */
  id: z.string().regex(/^[0-9]+$/),
  /** Display forms; the URL forms are derived by `cleanSlug`. */
  owner: slugSchema,
  slug: slugSchema,
  /** Names by which the model answered before, `owner/slug` in any spelling; it goes on answering to them. */
  aliases: z.array(z.string().regex(/^[^/]+\/[^/]+$/)).default([]),
  title: z.string(),
  description: z.string(),
  /** Where what is served comes from, for the page that people read: the texts of the wire stay as they are. */
  origin: z.string().min(1).optional(),
  /** Cover file under the models folder; served at `/uploads/models/{Owner}-{Slug}-cover.{ext}`. */
  cover: z.string(),
  categories: z.array(z.string()),
  tags: z.array(z.string()).default([]),
  /** US dollars per second, 12 decimals. */
  cps: z.string().regex(/^[0-9]+\.[0-9]{12}$/),
  /** Prices that go before `cps`: the first whose inputs a run has is charged. */
  prices: z.array(priceSchema).default([]),
  parameters: z.array(z.strictObject({ title: z.string(), items: z.array(parameterSchema) })),
  examples: z.array(z.record(z.string(), z.string())).default([]),
  variants: z.array(variantSchema).min(1),
  /** How long a task may wait and run before the system ends it; without a value as long as it takes. */
  deadlines: z
    .strictObject({ queueSeconds: z.number().positive().max(maxDeadlineSeconds), runSeconds: z.number().positive().max(maxDeadlineSeconds) })
    .partial()
    .default({}),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type Parameter = z.infer<typeof parameterSchema>;
export type Price = z.infer<typeof priceSchema>;
export type Variant = z.infer<typeof variantSchema>;

/** URL form of a display slug: trimmed, lower case, spaces as hyphens. */
export function cleanSlug(display: string): string {
  return display.trim().toLowerCase().replaceAll(/\s+/g, "-");
}

/** Clean `owner/slug`: the name under which tasks store their model. */
export function cleanModelName(model: Pick<Manifest, "owner" | "slug">): string {
  return `${cleanSlug(model.owner)}/${cleanSlug(model.slug)}`;
}

/** Every clean `owner/slug` under which tasks of the model may be stored: its name, and those that it had before. */
export function modelNames(model: Pick<Manifest, "owner" | "slug" | "aliases">): string[] {
  const before = model.aliases.map((alias) => alias.split("/").map(cleanSlug).join("/"));
  return [...new Set([cleanModelName(model), ...before])];
}
