import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { cleanModelName } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";

import { coverName, loadModels } from "./registry.ts";

const shipped = join(import.meta.dirname, "../../../../models");

describe("the shipped models", () => {
  it("load, and are found by every spelling", async () => {
    const models = await loadModels([shipped]);
    expect(models.list().map(cleanModelName)).toEqual([
      "arsmachina/baroque-space-opera-v1",
      "atelier/starter",
      "atelier/enlarge",
      "atelier/contact-sheet",
      "atelier/blueprint",
      "atelier/woodcut",
      "atelier/stained-glass",
      "atelier/night-neon",
    ]);
    for (const name of ["arsmachina/baroque-space-opera-v1", " ArsMachina/Baroque Space Opera.v1 "]) {
      expect(models.findByName(name)?.title).toBe("Baroque Space Opera v1");
    }
    for (const name of ["arsmachina", "arsmachina/baroque-space-opera-v1/sync", "", "/"]) {
      expect(models.findByName(name)).toBeUndefined();
    }
  });

  it("have covers under the names of the generated pages", async () => {
    const models = await loadModels([shipped]);
    const [first] = models.list().map(coverName);
    expect(first).toBe("ArsMachina-Baroque-Space-Opera-v1-cover.jpeg");
    expect(models.coverPath("ArsMachina-Baroque-Space-Opera-v1-cover.jpeg")).toBe(
      join(shipped, "covers/ArsMachina-Baroque-Space-Opera-v1-cover.jpeg"),
    );
    expect(models.coverPath("../baroque-space-opera-v1.json")).toBeUndefined();
    expect(models.coverPath("Atelier-Unknown-cover.png")).toBeUndefined();
  });
});

describe("a folder of manifests", () => {
  let root: string;
  let sample: Manifest;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "atelier-models-"));
    sample = JSON.parse(await readFile(join(shipped, "starter.json"), "utf8")) as Manifest;
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  /** A new folder with these files. */
  async function folderOf(files: Record<string, unknown>): Promise<string> {
    const folder = await mkdtemp(join(root, "f-"));
    for (const [name, content] of Object.entries(files)) {
      const text = typeof content === "string" ? content : JSON.stringify(content, null, 2);
      await writeFile(join(folder, name), text);
    }
    return folder;
  }

  const withItem = (index: number, change: object): Manifest => {
    const copy = structuredClone(sample);
    Object.assign(copy.parameters[0]?.items[index] ?? {}, change);
    return copy;
  };

  async function problemOf(files: Record<string, unknown>): Promise<string> {
    const folder = await folderOf(files);
    return loadModels([folder]).then(
      () => "",
      (error: { code: string; problem: string }) => `${error.code} ${error.problem.replaceAll(`${folder}/`, "")}`,
    );
  }

  it("may be missing or empty", async () => {
    expect((await loadModels([join(root, "nothing"), await folderOf({})])).list()).toEqual([]);
  });

  it("is read without its subfolders and other files", async () => {
    const folder = await folderOf({ "readme.md": "{", "a.json": sample });
    await mkdir(join(folder, "starter"));
    await writeFile(join(folder, "starter", "config.json"), "{");
    expect((await loadModels([folder])).list()).toHaveLength(1);
  });

  it("comes before a later folder that declares the same model", async () => {
    const own = await folderOf({ "mine.json": { ...sample, title: "My own" } });
    expect((await loadModels([own, shipped])).findByName("atelier/starter")?.title).toBe("My own");
  });

  it.each([
    ["text that is not JSON", '{\n  "id": "1",\n}', /^CONFIG_INVALID a\.json:3: /],
    ["text that ends too early", '{\n"id": [', /^CONFIG_INVALID a\.json:2: /],
    ["a list", "[]", /^CONFIG_INVALID a\.json:1: manifest: /],
  ])("is refused with file and line for %s", async (_name, text, expected) => {
    expect(await problemOf({ "a.json": text })).toMatch(expected);
  });

  it("is refused with file, line and field for a wrong value", async () => {
    const lines = JSON.stringify({ ...sample, cps: "cheap" }, null, 2).split("\n");
    const line = lines.findIndex((text) => text.includes('"cps"')) + 1;
    expect(await problemOf({ "a.json": lines.join("\n") })).toMatch(new RegExp(`^CONFIG_INVALID a\\.json:${line}: cps: `));
  });

  it("names every problem, deep ones too", async () => {
    const broken = withItem(1, { type: "numbr", colour: "red" });
    const lines = JSON.stringify(broken, null, 2).split("\n");
    const line = lines.findIndex((text) => text.includes("numbr")) + 1;
    const problem = await problemOf({ "a.json": broken });
    expect(problem).toContain(`a.json:${line}: parameters.0.items.1.type: `);
    expect(problem).toMatch(/colour/);
  });

  it.each([
    ["a number without a range", () => withItem(1, { min: undefined }), "needs both min and max"],
    ["a default outside its range", () => withItem(1, { default: "99" }), "the default of samples is not valid"],
    ["a select without options", () => withItem(0, { type: "select" }), "a select needs options"],
    ["several choices without options", () => withItem(0, { type: "multiselect", default: "" }), "a multiselect needs options"],
    [
      "several choices with a comma in one",
      () => withItem(0, { type: "multiselect", default: "", options: [{ label: "A", value: "a,b" }] }),
      "parameters.0.items.0.options: a value of a multiselect is not empty, has no comma",
    ],
    [
      "choices with covers that lack one",
      () => withItem(0, { type: "selectwithcover", default: "", options: [{ label: "A", value: "a" }] }),
      "each option of a selectwithcover needs a cover",
    ],
    ["a whole number without a range, by its other name", () => withItem(1, { type: "integer", max: undefined }), "needs both min and max"],
    ["a default that is no colour", () => withItem(0, { type: "color", default: "white" }), "the default of prompt is not valid"],
    ["a number that no engine can take", () => withItem(1, { type: "float", default: "1.5", min: 1, max: 2 }), "no engine can take the default of samples"],
    ["a slug that clients cannot address", () => ({ ...sample, slug: "star/ter" }), "slug: a name begins with a letter or digit"],
    ["an owner that begins with a dot", () => ({ ...sample, owner: " .Atelier" }), "owner: a name begins with a letter or digit"],
    ["an empty owner", () => ({ ...sample, owner: " " }), "owner: a name begins with a letter or digit"],
    ["a repeated parameter", () => withItem(1, { id: "prompt" }), "the parameter prompt is declared twice"],
    ["an example out of range", () => ({ ...sample, examples: [{ steps: "999" }] }), "the value of steps is not valid"],
    ["an example of an unknown parameter", () => ({ ...sample, examples: [{ stepz: "9" }] }), "no such parameter"],
  ])("is refused for %s", async (_name, manifest, expected) => {
    expect(await problemOf({ "a.json": manifest() })).toContain(expected);
  });

  it.each([
    [{ price: "0.04", priceMethod: "cpt" }, /prices\.0\.priceMethod: this server charges by cps \(second\), cpr \(run\) and cpo \(output\)/],
    [{ price: 0.04, priceMethod: "cpr" }, /prices\.0\.price: /],
    [{ price: "4", priceMethod: "cpr" }, /prices\.0\.price: a price is text/],
    [{ price: "0.04", priceMethod: "cpr", inputs: { quality: "hd" } }, /prices\.0\.inputs\.quality: there is no such parameter/],
    [{ price: "0.04", priceMethod: "cpr", inputs: { steps: "QUANTITY:2" } }, /prices\.0\.inputs\.steps: only files and choices have a QUANTITY/],
  ])("is refused for the price %j that could not be charged, in words", async (price, words) => {
    const folder = await folderOf({ "a.json": { ...sample, prices: [price] } });
    await expect(loadModels([folder])).rejects.toThrow(words);
  });

  const options = ["plain", "gilded"].map((value) => ({ label: value, value }));
  const pricedItems = [
    { id: "steps", type: "number", label: "steps", default: "9", min: 1, max: 150 },
    { id: "seed", type: "text", label: "seed", default: "7", min: 1, max: 99, role: "seed" },
    { id: "scale", type: "float", label: "scale", default: "7.50", min: 0, max: 30 },
    { id: "framed", type: "checkbox", label: "framed" },
    { id: "ground", type: "color", label: "ground", default: "#fff" },
    { id: "prompt", type: "textarea", label: "prompt", required: true },
    { id: "look", type: "select", label: "look", default: "plain", options },
    { id: "motifs", type: "multiselect", label: "motifs", options },
    { id: "pictures", type: "multifileinput", label: "pictures", required: true, min: 2, max: 4 },
    { id: "mask", type: "fileinput", label: "mask" },
  ];
  const priced = (...inputs: object[]): object => ({
    ...sample,
    parameters: [{ title: "", items: pricedItems }],
    examples: [],
    prices: inputs.map((wanted) => ({ inputs: wanted, price: "0.04", priceMethod: "cpr" })),
  });

  it.each([
    [{ steps: "9999" }, 'no run has steps as "9999": give a valid value as it is stored (8, not 8.0)'],
    [{ steps: "8.0" }, "no run has steps as"],
    [{ steps: "abc" }, "no run has steps as"],
    [{ steps: "" }, "no run has steps as"],
    [{ steps: "0" }, "no run has steps as"],
    [{ seed: "-1" }, "no run has seed as"],
    [{ seed: "0" }, "no run has seed as"],
    [{ scale: "7.50" }, "no run has scale as"],
    [{ framed: "on" }, "no run has framed as"],
    [{ ground: "#FFF" }, "no run has ground as"],
    [{ prompt: "" }, "no run has prompt as"],
    [{ look: "baroque" }, "baroque is no option of look"],
    [{ motifs: "plain" }, "of files and choices the number is priced: QUANTITY:n"],
    [{ pictures: "2" }, "of files and choices the number is priced: QUANTITY:n"],
    [{ motifs: "QUANTITY:3" }, "a run has between 1 and 2 of motifs, or none"],
    [{ pictures: "QUANTITY:5" }, "a run has between 2 and 4 of pictures"],
    [{ pictures: "QUANTITY:1" }, "a run has between 2 and 4 of pictures"],
    [{ pictures: "QUANTITY:0" }, "a run has between 2 and 4 of pictures"],
    [{ mask: "QUANTITY:2" }, "a run has between 1 and 1 of mask, or none"],
  ])("is refused for a price of %j, which no run has", async (inputs, words) => {
    expect(await problemOf({ "a.json": priced(inputs) })).toContain(`: prices.0.inputs.${Object.keys(inputs)[0]}: ${words}`);
  });

  it("is refused for a price behind that of any run", async () => {
    const problem = await problemOf({ "a.json": priced({ steps: "8" }, {}, { steps: "9" }) });
    expect(problem).toMatch(/: prices\.2: prices\.1 is charged for any run/);
    expect(problem.split("\n")).toHaveLength(1);
  });

  it("may price every value and number that a run can have", async () => {
    const first = { steps: "8", seed: "99", scale: "7.5", framed: "false", ground: "#ffffff", prompt: "a moon", look: "gilded", motifs: "QUANTITY:0", pictures: "QUANTITY:2", mask: "QUANTITY:0" };
    expect(await problemOf({ "a.json": priced(first, { motifs: "QUANTITY:2", pictures: "QUANTITY:4", mask: "QUANTITY:1" }, {}) })).toBe("");
  });

  it("is refused when two files declare one model or one id", async () => {
    const renamed = { ...sample, slug: "STARTER" };
    expect(await problemOf({ "a.json": sample, "b.json": renamed })).toContain("both declare the model atelier/starter");
    expect(await problemOf({ "a.json": sample, "b.json": { ...sample, slug: "x" } })).toContain("both declare the id 2");
  });
});
