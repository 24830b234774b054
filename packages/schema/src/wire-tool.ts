// A model as the catalogue of the wire shows it, every field in its exact form (docs/wire-contract.md, "Tool object").

import { cleanSlug } from "./manifest.ts";
import type { Manifest, Parameter } from "./manifest.ts";
import { kindOf } from "./parameter-kind.ts";
import { fixedDecimal } from "./wire-decimal.ts";
import { unixSeconds } from "./wire-time.ts";
import { meanCost, meanTime, priceList } from "./wire-tool-price.ts";
import type { WireTool, WireToolCard, WireToolDetail } from "./wire-tool-schema.ts";

/** What is known of a model from its tasks. */
export interface ModelStatistics {
  /** Every task that was ever created, in whatever status. */
  readonly runCount: number;
  readonly successCount: number;
  /** Tasks that ended badly; cancelled ones are neither a success nor an error. */
  readonly errorCount: number;
  /** When the newest task was created. */
  readonly lastRunAt: Date | null;
  /** Of the successful tasks, a plain decimal; null while there are none. */
  readonly meanElapsedSeconds: string | null;
}

export const noStatistics: ModelStatistics = Object.freeze({
  runCount: 0,
  successCount: 0,
  errorCount: 0,
  lastRunAt: null,
  meanElapsedSeconds: null,
});

export interface ToolContext {
  /** Absolute URL of the cover: official clients drop an answer with a relative one. */
  readonly imageUrl: string;
  readonly statistics: ModelStatistics;
  /** What a label or help key means to a person; undefined for a key that nobody explained. */
  readonly textOf: (key: string) => string | undefined;
}

/** A model in `/Tool/Explore`. */
export function wireToolCard(manifest: Manifest, context: Pick<ToolContext, "imageUrl">): WireToolCard {
  return {
    id: manifest.id,
    cleanslugowner: cleanSlug(manifest.owner),
    cleanslugproject: cleanSlug(manifest.slug),
    description: manifest.description,
    image: context.imageUrl,
    // A list, unlike the categories of a task: text in its place crashes an official client.
    categories: manifest.categories,
    // There are no ratings and no comments here.
    averagepoint: "0",
    commentcount: "0",
    ratedusercount: "0",
  };
}

/** A model in `/Tool/List`. */
export function wireTool(manifest: Manifest, context: ToolContext): WireTool {
  const { statistics } = context;
  return {
    ...wireToolCard(manifest, context),
    title: manifest.title,
    slugowner: manifest.owner,
    slugproject: manifest.slug,
    seotitle: `${manifest.title} by ${manifest.owner}`,
    seodescription: manifest.description,
    tags: manifest.tags,
    computingtime: meanTime(statistics.meanElapsedSeconds),
    marketplace: 1,
    // Runs need a key.
    onlymembers: "1",
    dynamicprice: priceList(manifest),
    cps: fixedDecimal(manifest.cps, 12),
    approximatelycost: meanCost(manifest, statistics.meanElapsedSeconds),
    taskstat: {
      // The one count that is a number on the wire.
      runcount: statistics.runCount,
      successcount: String(statistics.successCount),
      errorcount: String(statistics.errorCount),
      lastruntime: unixSeconds(statistics.lastRunAt),
    },
  };
}

/** A model in `/Tool/Detail`. `readme`: HTML. */
export function wireToolDetail(manifest: Manifest, context: ToolContext & { readonly readme: string }): WireToolDetail {
  return {
    ...wireTool(manifest, context),
    readme: context.readme,
    samples: [context.imageUrl],
    parameters: manifest.parameters.map((group) => ({
      title: group.title,
      items: group.items.map((item) => wireParameter(item, context)),
    })),
    inspire: manifest.examples,
  };
}

/** Labels and help stay the keys that they are in the manifest, as clients know them; `description` says them in words. */
function wireParameter(parameter: Parameter, context: Pick<ToolContext, "textOf">) {
  const description = parameter.description ?? context.textOf(parameter.note);
  // Clients check numbers against `min` and `max`; a seed is text, and an empty one must pass.
  const isText = kindOf(parameter) === "text";
  return {
    id: parameter.id,
    type: parameter.type,
    label: parameter.label,
    note: parameter.note,
    required: parameter.required,
    default: parameter.default,
    ...present({
      description,
      placeholder: parameter.placeholder,
      options: parameter.options,
      min: isText ? undefined : parameter.min,
      max: isText ? undefined : parameter.max,
      step: isText ? undefined : parameter.step,
      advanced: parameter.advanced,
    }),
  };
}

/** The members that have a value: JSON has no undefined, and clients read null as a value. */
function present<Fields extends object>(fields: Fields): Partial<Fields> {
  // Filtering members out of an object leaves part of it.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Fields>;
}
