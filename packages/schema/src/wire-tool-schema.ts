// The form of a model in the catalogue of the wire (docs/wire-contract.md, "Tool object").

import { z } from "zod";

import { parameterTypes } from "./parameter-kind.ts";
import { absoluteUrl, decimalText, digitsText, timeText } from "./wire-scalars.ts";

const cardFields = {
  id: digitsText,
  cleanslugowner: z.string(),
  cleanslugproject: z.string(),
  description: z.string(),
  image: absoluteUrl,
  categories: z.array(z.string()),
  averagepoint: z.literal("0"),
  commentcount: z.literal("0"),
  ratedusercount: z.literal("0"),
};

const listedFields = {
  ...cardFields,
  title: z.string(),
  slugowner: z.string(),
  slugproject: z.string(),
  seotitle: z.string(),
  seodescription: z.string(),
  tags: z.array(z.string()),
  computingtime: z.string().regex(/^([0-9]+ seconds?)?$/),
  marketplace: z.literal(1),
  onlymembers: z.literal("1"),
  dynamicprice: z.string().meta({ description: "A JSON list inside text." }),
  cps: decimalText(12),
  approximatelycost: z.string().regex(/^([0-9]+\.[0-9]{12})?$/),
  taskstat: z.strictObject({
    runcount: z.int().min(0),
    successcount: digitsText,
    errorcount: digitsText,
    lastruntime: timeText,
  }),
};

const wireParameterSchema = z
  .strictObject({
    id: z.string(),
    type: z.enum(parameterTypes),
    label: z.string(),
    note: z.string(),
    required: z.boolean(),
    default: z.string(),
    description: z.string().optional(),
    placeholder: z.string().optional(),
    options: z.array(z.strictObject({ label: z.string(), value: z.string(), cover: absoluteUrl.optional() })).optional(),
    min: z.number().optional(),
    max: z.number().optional(),
    step: z.number().optional(),
    advanced: z.boolean().optional(),
  })
  .meta({ id: "ToolParameter" });

/** A model in `/Tool/Explore`. */
export const wireToolCardSchema = z.strictObject(cardFields).meta({ id: "ToolCard" });

/** A model in `/Tool/List`. */
export const wireToolSchema = z.strictObject(listedFields).meta({ id: "Tool" });

/** A model in `/Tool/Detail`. */
export const wireToolDetailSchema = z
  .strictObject({
    ...listedFields,
    readme: z.string().meta({ description: "HTML." }),
    samples: z.array(absoluteUrl),
    parameters: z.array(z.strictObject({ title: z.string(), items: z.array(wireParameterSchema) })),
    inspire: z.array(z.record(z.string(), z.union([z.string(), z.array(z.string())]))),
  })
  .meta({ id: "ToolDetail" });

export const wireToolGroupSchema = z
  .strictObject({
    id: z.string(),
    title: z.string(),
    total: z.int().min(1),
    tools: z.array(wireToolCardSchema),
  })
  .meta({ id: "ToolGroup" });

export type WireToolCard = z.infer<typeof wireToolCardSchema>;
export type WireTool = z.infer<typeof wireToolSchema>;
export type WireToolDetail = z.infer<typeof wireToolDetailSchema>;
