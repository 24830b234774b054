import { describe, expect, it } from "vitest";

import { manifestSchema } from "./manifest.ts";
import type { Manifest } from "./manifest.ts";
import { modelPageText } from "./model-page.ts";

const addresses = { api: "https://h.example/v1", outputs: "https://h.example/outputs", cover: "https://h.example/c.png" };

function manifestWith(changes: Record<string, unknown>): Manifest {
  return manifestSchema.parse({
    id: "7", owner: "Some One", slug: "Try On", title: "Try on", description: "Dresses people.", cover: "c.png",
    categories: ["model", "image-to-image"], cps: "0.000100000000", parameters: [],
    variants: [{ name: "v", engine: "fake", base: "b" }],
    ...changes,
  });
}

const page = (changes: Record<string, unknown>, more = {}): string =>
  modelPageText(manifestWith(changes), { ...addresses, ...more });

const item = (fields: Record<string, unknown>) => [{ title: "", items: [{ id: "x", type: "text", label: "x", ...fields }] }];

describe("modelPageText", () => {
  it("names the model as it is written and links it by its clean slugs", () => {
    const text = page({});
    expect(text).toContain("Model name: Some One/Try On\n");
    expect(text).toContain("Run Task Endpoint (POST):\nhttps://h.example/v1/Run/some-one/try-on\n");
    expect(text).toContain('curl -X POST "https://h.example/v1/Run/some-one/try-on" ');
  });

  it("encodes what an address may not hold", () => {
    const text = modelPageText({ ...manifestWith({}), owner: "a/b", slug: 'x?"$(id)' }, addresses);
    expect(text).toContain("Model name: a/b/x?\"$(id)\n");
    expect(text).toContain('curl -X POST "https://h.example/v1/Run/a%2Fb/x%3F%22%24(id)" ');
  });

  it("leaves out the tags, inputs, examples and cover that a model does not have", () => {
    const text = page({}, { cover: "" });
    for (const absent of ["Model tags", "Model Inputs", "Inspires", "Model cover"]) expect(text).not.toContain(absent);
  });

  it("lists the options of a select under its default", () => {
    const options = [
      { label: "Sitting down", value: "sitting" },
      { label: "Standing", value: "standing" },
    ];
    const text = page({ parameters: item({ type: "select", note: "x-help", default: "sitting", options }) });
    expect(text).toContain(
      [
        "  - name: x", "    label: x", "    help: x-help", "    type: select", "    default: sitting", "    options:",
        '      - value: "sitting"', "        label: Sitting down", "",
        '      - value: "standing"', "        label: Standing",
      ].join("\n"),
    );
  });

  it.each([
    ["number", "3", '"x": 3,'],
    ["number", "", '"x": "",'],
    ["float", "7.5", '"x": "7.5",'],
    ["checkbox", "true", '"x": "true",'],
    ["combinefileinput", "a.png", '"x": "a.png",'],
    ["combinefileinput", "a.png, b.png", '"x": [\n    "a.png",\n    "b.png"\n  ],'],
  ])("writes a %s with default %j into the sample body as %s", (type, value, expected) => {
    expect(page({ parameters: item({ type, default: value, min: 0, max: 9 }) })).toContain(expected);
  });

  it("keeps a quote in a default from ending the shell command", () => {
    expect(page({ parameters: item({ default: "it's; rm -rf x" }) })).toContain(`"x": "it'\\''s; rm -rf x"`);
  });

  it("keeps a line end in a value from starting a line of the page", () => {
    const text = page({ description: "one\n## Two", examples: [{ x: "a\n  - y: b" }], parameters: item({ default: "d\n\ne" }) });
    expect(text).toContain("Model description: one ## Two\n");
    expect(text).toContain("  - x: a - y: b\n");
    expect(text).toContain("    default: d e\n");
  });

  it("gives every sample the server's own addresses", () => {
    const hosts = new Set([...page({}).matchAll(/https?:\/\/[^/"\s]+/g)].map((match) => match[0]));
    expect([...hosts]).toEqual(["https://h.example"]);
  });
});
