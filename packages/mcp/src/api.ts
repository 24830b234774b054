// What the tools need of a server: its API as the caller may use it, and its documentation.

import { z } from "zod";

export interface Api {
  /** Posts a JSON body as the caller and returns the payload of a success. Throws ApiFailure with the server's own words. */
  post<Answer>(path: string, body: object, schema: z.ZodType<Answer>): Promise<Answer>;
  /** Takes the file at a public address into the caller's project; its answer is that of `/v1/File/Upload`. Throws ApiFailure. */
  upload<Answer>(file: { url: string; name: string | undefined }, schema: z.ZodType<Answer>): Promise<Answer>;
}

/** The server refused; the message is for the caller. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
}

const nonEmpty = z.string().min(1).optional().catch(undefined);

/** A model of the catalogue, as far as the tools look at it. */
export const modelSchema = z.object({
  title: nonEmpty,
  cleanslugowner: z.string(),
  cleanslugproject: z.string(),
  description: nonEmpty,
  seodescription: nonEmpty,
  categories: z.array(z.string()).catch([]),
  approximatelycost: nonEmpty,
  cps: nonEmpty,
  dynamicprice: nonEmpty,
});

const optionSchema = z.object({ label: z.coerce.string(), value: z.coerce.string(), cover: z.url().optional().catch(undefined) });
const bound = z.coerce.number().optional().catch(undefined);
const flag = z.union([z.boolean(), z.string().transform((text) => text === "true")]).catch(false);
const text = z.coerce.string().optional();

export const parameterSchema = z.object({
  id: z.string(),
  type: z.string(),
  label: text,
  description: text,
  note: text,
  placeholder: text,
  default: text,
  required: flag,
  advanced: flag,
  options: z.array(optionSchema).catch([]),
  min: bound,
  max: bound,
  step: bound,
});

export const modelDetailSchema = modelSchema.extend({
  parameters: z.array(z.object({ title: z.string().catch(""), items: z.array(parameterSchema) })).nullable(),
});

export const taskSchema = z.object({
  id: z.string(),
  socketaccesstoken: z.string(),
  status: z.string(),
  pexit: z.string(),
  debugerror: z.string(),
  elapsedseconds: z.string(),
  totalcost: z.string(),
  modelslugowner: z.string(),
  modelslugproject: z.string(),
  outputs: z.array(z.object({ name: z.string(), contenttype: z.string(), size: z.string(), url: z.string() })),
});

export const taskReplySchema = z.object({ tasklist: z.tuple([taskSchema]) });

export const fileSchema = z.object({ id: z.string(), name: z.string(), contenttype: z.string(), size: z.string(), url: z.string() });

export type Model = z.infer<typeof modelSchema>;
export type ModelDetail = z.infer<typeof modelDetailSchema>;
export type Task = z.infer<typeof taskSchema>;
