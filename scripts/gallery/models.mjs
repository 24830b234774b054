// What the gallery draws, read off the manifests: the starter, the adapters on it, and the nine examples of the seed's page.

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { root } from "../prepare.mjs";

export const baseModel = "atelier/starter";
const exampleManifest = "baroque-space-opera-v1.json";

/** Words that most training captions of a style begin with (`Look.trigger` in training/scenes/palette.py). */
const triggers = {
  "baroque-space-opera": "Sci-Fi Baroque Couture Pulp",
  blueprint: "Blueprint Drafting Line",
  woodcut: "Woodcut Chapbook Print",
  "stained-glass": "Stained Glass Cathedral Light",
  "night-neon": "Night Neon Afterglow",
};

function manifest(file) {
  return JSON.parse(readFileSync(join(root, "models", file), "utf8"));
}

function address({ owner, slug }) {
  return `${owner}/${slug}`.toLowerCase();
}

/** The nine examples with everything stated that the picture depends on: { model, input }. */
export function exampleRuns() {
  const { parameters, examples, ...model } = manifest(exampleManifest);
  const declared = parameters.flatMap((group) => group.items);
  const byDefault = (id) => declared.find((item) => item.id === id).default;
  const stated = { seed: byDefault("seed"), width: "1024", height: "1024", samples: "1" };
  return examples.map((example) => ({ model: address(model), input: { ...stated, ...example } }));
}

/** The models that are an adapter on the starter: { name, model, trigger, cover, example }. */
export function adapterModels() {
  const found = [];
  for (const file of readdirSync(join(root, "models")).filter((name) => name.endsWith(".json"))) {
    const document = manifest(file);
    const variant = document.variants?.find((each) => each.engine === "flux" && each.adapters.length === 1);
    if (!variant) continue;
    const name = basename(variant.adapters[0].file, ".safetensors");
    const [example] = document.examples;
    found.push({ name, model: address(document), trigger: triggers[name] ?? "", cover: document.cover, example });
  }
  return found;
}
