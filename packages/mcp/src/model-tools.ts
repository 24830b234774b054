// The tools of the catalogue: search, recommend, explore, and the schema of one model.

import { z } from "zod";

import { exploreAnswer, modelDetailAnswer, modelListAnswer } from "./answer-schemas.ts";
import type { ModelSummary } from "./answer-schemas.ts";
import { ApiFailure, modelDetailSchema, modelSchema } from "./api.ts";
import type { Api, Model, ModelDetail } from "./api.ts";
import { amount, nextStart, withoutAbsent } from "./plain-values.ts";
import { pricingOf } from "./pricing.ts";
import { readOnly, tool } from "./tool.ts";

const listReply = z.object({ total: z.coerce.number().int(), tool: z.array(modelSchema) });
const sorts = ["relevance", "time", "ratedusercount", "commentcount", "averagepoint"] as const;
const recommended = 10;

export const searchModels = tool({
  name: "search_models",
  title: "Search models",
  description: "Finds the models of this server by words, categories or owner. Read the parameters of one with get_model_schema.",
  input: z.object({
    search: z.string().optional().describe("Words to look for."),
    categories: z.array(z.string()).optional().describe("Only models of these categories, such as text-to-image."),
    slugowner: z.string().optional().describe("Only models of this owner."),
    sort: z.enum(sorts).optional().describe("The order; by relevance when words are given."),
    start: z.number().int().min(0).default(0).describe("How many to skip."),
    limit: z.number().int().min(1).max(100).default(20).describe("How many to return."),
  }),
  answer: modelListAnswer,
  hints: readOnly,
  work: ({ api }, input) => listModels(api, input),
});

export const recommendModel = tool({
  name: "recommend_model",
  title: "Recommend a model",
  description: "Ranks the models of this server for a task that is told in plain words.",
  input: z.object({ task: z.string().min(1).describe("What shall be made, in plain words.") }),
  answer: modelListAnswer,
  hints: readOnly,
  work: ({ api }, { task }) => listModels(api, { search: task, sort: "relevance", start: 0, limit: recommended }),
});

export const explore = tool({
  name: "explore",
  title: "Explore models",
  description: "Shows the models of this server by category.",
  input: z.object({}),
  answer: exploreAnswer,
  hints: readOnly,
  work: async ({ api }) => {
    // A group shows its first models and says how many there are.
    const sections = z.array(z.object({ title: z.string(), total: z.coerce.number().int().nonnegative().optional(), tools: z.array(modelSchema) }));
    const { explore: groups } = await api.post("/v1/Tool/Explore", {}, z.object({ explore: sections }));
    const categories = groups.map(({ title, tools, total = tools.length }) => ({ title, total, models: tools.map(summaryOf) }));
    return { categories, ...inspectFirst(categories[0]?.models[0]) };
  },
});

export const getModelSchema = tool({
  name: "get_model_schema",
  title: "Read a model's parameters",
  description: "Names, types, ranges, defaults and options of everything that a model takes. Read it before run_model.",
  input: z.object({ model: z.string().describe("owner/model, as search_models gives it.") }),
  answer: modelDetailAnswer,
  hints: readOnly,
  work: async ({ api }, { model: slug }) => {
    const { owner, name } = partsOf(slug);
    const reply = z.object({ tool: z.array(modelDetailSchema) });
    const [model] = (await api.post("/v1/Tool/Detail", { slugowner: owner, slugproject: name }, reply)).tool;
    if (!model) throw new ApiFailure(`There is no model ${slug}: search_models lists those of this server.`);
    const summary = summaryOf(model);
    const reason = "Fill in the required parameters and run the model once.";
    return {
      model: { ...summary, parameters: parametersOf(model) },
      nextAction: { tool: "run_model", arguments: { model: summary.slug, params: {} }, reason },
    };
  },
});

/** Throws ApiFailure for what is not owner/model. */
export function partsOf(slug: string): { owner: string; name: string } {
  const [owner = "", name = "", ...rest] = slug.split("/").map((part) => part.trim());
  if (owner === "" || name === "" || rest.length > 0) throw new ApiFailure(`"${slug}" is not of the form owner/model.`);
  return { owner, name };
}

interface ListInput {
  readonly start: number;
  readonly limit: number;
  readonly search?: string | undefined;
  readonly sort?: string | undefined;
  readonly slugowner?: string | undefined;
  readonly categories?: readonly string[] | undefined;
}

async function listModels(api: Api, { start, limit, ...filters }: ListInput) {
  const body = withoutAbsent({ ...filters, start: String(start), limit: String(limit), hideworkflows: true, summary: true });
  const { total, tool: found } = await api.post("/v1/Tool/List", body, listReply);
  const models = found.map(summaryOf);
  return { models, total, start, limit, nextStart: nextStart(start, models.length, total), ...inspectFirst(models[0]) };
}

function inspectFirst(first: ModelSummary | undefined) {
  if (!first) return {};
  return { nextAction: { tool: "get_model_schema", arguments: { model: first.slug }, reason: "Read the parameters before a run." } };
}

function summaryOf(model: Model): ModelSummary {
  const slug = `${model.cleanslugowner}/${model.cleanslugproject}`;
  return withoutAbsent({
    slug,
    title: model.title ?? slug,
    description: model.seodescription ?? model.description,
    categories: model.categories.filter((category) => category !== "tool"),
    pricing: pricingOf(model),
    estimatedCostUsd: amount(model.approximatelycost),
  });
}

function parametersOf({ parameters }: ModelDetail) {
  return (parameters ?? []).map(({ title, items }) => ({
    title,
    items: items.map((item) => withoutAbsent({ ...item, label: item.label ?? item.id })),
  }));
}
