import { join } from "node:path";

import { expect, it } from "vitest";

import { coverName, loadModels } from "../../packages/server/src/models/registry.ts";
import { section } from "./seed-page.ts";

const models = await loadModels([join(import.meta.dirname, "../../models")]);
const model = models.findByName("arsmachina/baroque-space-opera-v1");
if (!model) throw new Error("the seed's model is not shipped");
const items = model.parameters.flatMap((group) => group.items);

it("the seed's model has the page's name, description, cover, categories and tags", () => {
  expect(section("Basic tool info")).toMatch(
    [
      `Model name: ${model.owner}/${model.slug}`,
      `Model description: ${model.description}`,
      `Model cover: https://cdn.wiro.ai/uploads/models/${coverName(model)}`,
      `Model categories: ${model.categories.map((category) => `- ${category}`).join(" ")}`,
      `Model tags: ${model.tags.map((tag) => `- ${tag}`).join(" ")}`,
    ].join(" "),
  );
});

it("the seed's model has the page's inputs", () => {
  const lines = items.map(
    (item) => `- name: ${item.id} label: ${item.label} help: ${item.note} type: ${item.type} default: ${item.default}`,
  );
  expect(section("Model Inputs:")).toBe(lines.join(" "));
});

it("the seed's model has the page's nine examples", () => {
  expect(model.examples).toHaveLength(9);
  const lines = model.examples.flatMap((example) => Object.entries(example).map(([name, value]) => `- ${name}: ${value}`));
  expect(section("Model Parameter Inspires:")).toBe(lines.join(" "));
});

it("the seed's model costs what the page's sample task shows", () => {
  expect(model.cps).toBe("0.000585000000");
});

it("both models take the same seven inputs within the same ranges", () => {
  const starter = models.findByName("atelier/starter");
  const ranges = (parameters: typeof items) => parameters.map(({ default: _default, ...declared }) => declared);
  expect(ranges(starter?.parameters.flatMap((group) => group.items) ?? [])).toEqual(ranges(items));
});
