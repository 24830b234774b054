// Declares a model for an adapter file that came without a manifest: the inputs of its base, and sane words.

import type { Manifest } from "@atelier/schema/manifest";
import { cleanModelName } from "@atelier/schema/manifest";

import { OperatorError } from "../operator-error.ts";

export interface AdapterFacts {
  /** Name of the file under `adapters/`. */
  readonly fileName: string;
  readonly owner: string;
  /** Default: made of the file's name. */
  readonly slug: string | undefined;
  readonly title: string | undefined;
  readonly weight: number;
}

/** The model that runs the base alone. `name`: its base folder (`starter`) or the model's name (`atelier/starter`).
 *  Throws COMMAND_FAILED when no model has that base. */
export function findBaseModel(models: readonly Manifest[], name: string): Manifest {
  const named = (model: Manifest): boolean => cleanModelName(model) === name.toLowerCase() || model.variants.some((variant) => variant.base === name);
  const found = models.filter(named).toSorted((a, b) => adaptersOf(a) - adaptersOf(b))[0];
  if (found) return found;
  const bases = [...new Set(models.flatMap((model) => model.variants.map((variant) => variant.base)))];
  throw new OperatorError("COMMAND_FAILED", { problem: `No model has the base ${name}.`, remedy: `Name one of these with --base: ${bases.join(", ")}.` });
}

/** Ids of models that people add start here; those of this project stay below. */
const firstOwnId = 100_000;

export function adapterManifest(base: Manifest, models: readonly Manifest[], facts: AdapterFacts): Manifest {
  const stem = facts.fileName.replace(/\.safetensors$/, "");
  const slug = facts.slug ?? (stem.replaceAll(/[^A-Za-z0-9.-]+/g, "-").replaceAll(/^[-.]+|[-.]+$/g, "") || "adapter");
  const title = facts.title ?? slug.replaceAll(/[-_]+/g, " ").trim();
  const ids = models.map((model) => Number(model.id)).filter((id) => id >= firstOwnId);
  const plain = base.variants.filter((variant) => variant.adapters.length === 0);
  // Where the base comes from says nothing about the adapter that somebody adds.
  const { origin: _origin, ...inherited } = base;
  return {
    ...inherited,
    id: String(Math.max(firstOwnId - 1, ...ids) + 1),
    owner: facts.owner,
    slug,
    aliases: [],
    title,
    description: `${base.title} with the adapter ${facts.fileName}.`,
    cover: "",
    categories: [...base.categories.filter((category) => !/base-model|checkpoint/.test(category)), "lora-flux"],
    tags: [],
    examples: [],
    variants: (plain.length > 0 ? plain : base.variants.slice(0, 1)).map((variant) => ({
      ...variant,
      adapters: [{ file: `adapters/${facts.fileName}`, weight: facts.weight }],
    })),
  };
}

function adaptersOf(model: Manifest): number {
  return Math.min(...model.variants.map((variant) => variant.adapters.length));
}
