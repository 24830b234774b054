import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, it } from "vitest";

import { readTexts } from "./read-texts.ts";
import { loadModels } from "./registry.ts";

const shipped = join(import.meta.dirname, "../../../../models");
const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function folderWith(catalogue: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "atelier-texts-"));
  folders.push(folder);
  await mkdir(join(folder, "texts"));
  await writeFile(join(folder, "texts", "en.json"), catalogue);
  return folder;
}

it("every label and help key of the shipped models has a text", async () => {
  const models = await loadModels([shipped]);
  const items = models.list().flatMap((model) => model.parameters.flatMap((group) => group.items));
  // Labels with a capital or a space are written out in the manifest; the others are keys.
  const keys = items.flatMap((item) => [item.label, item.note]).filter((key) => /^[a-z][a-z0-9-]*$/.test(key));
  expect(keys.length).toBeGreaterThan(10);
  expect(keys.filter((key) => models.textOf(key) === undefined)).toEqual([]);
});

it("a user's own text comes before the shipped one", async () => {
  const own = await folderWith('{ "seed": "Samen", "mine": "Mine" }');
  const models = await loadModels([own, shipped]);
  expect([models.textOf("seed"), models.textOf("mine"), models.textOf("width")]).toEqual(["Samen", "Mine", "Width"]);
  expect(models.textOf("nobody-said")).toBeUndefined();
  expect(models.textOf("constructor")).toBeUndefined();
});

it("a folder without a catalogue explains nothing", async () => {
  expect((await readTexts([join(tmpdir(), "no-such-folder")])).size).toBe(0);
});

it.each([
  ['{\n  "a": 1\n}', /en\.json:2: a: /],
  ["[]", /en\.json:1: text catalogue: /],
  ['{\n  "a": "b",\n', /en\.json:3: /],
])("refuses %j and says where", async (catalogue, message) => {
  await expect(readTexts([await folderWith(catalogue)])).rejects.toThrow(message);
});
