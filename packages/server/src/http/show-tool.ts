// What the catalogue says of a model besides its manifest: its cover's address, its statistics, and its keys in words.

import { modelNames } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";
import { statisticsOfNames } from "@atelier/schema/model-statistics";
import type { ToolContext } from "@atelier/schema/wire-tool";

import { coverName } from "../models/registry.ts";
import type { RouteContext } from "./http-deps.ts";
import type { CatalogueContext } from "./catalogue.ts";

export type ToolShown = (manifest: Manifest) => ToolContext;

/** Reads the statistics once; the answer serves any number of models. */
export async function readToolContext(context: CatalogueContext): Promise<ToolShown> {
  const statistics = await context.statistics();
  return (manifest) => ({
    imageUrl: coverUrl(context, manifest),
    statistics: statisticsOfNames(modelNames(manifest), statistics),
    textOf: context.models.textOf,
  });
}

/** Of a plain picture for a model without a cover. */
export function coverUrl(context: Pick<RouteContext, "publicUrl">, manifest: Manifest): string {
  return `${context.publicUrl()}/uploads/models/${encodeURIComponent(coverName(manifest))}`;
}
