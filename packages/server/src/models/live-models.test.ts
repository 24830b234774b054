import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, it } from "vitest";

import type { Manifest } from "@atelier/schema/manifest";

import { openLog } from "../log.ts";
import { openModels } from "./live-models.ts";
import type { LiveModels } from "./live-models.ts";

const sample = JSON.parse(await readFile(join(import.meta.dirname, "../../../../models/starter.json"), "utf8")) as Manifest;

let folder: string;
let models: LiveModels;
let logged: Record<string, unknown>[];
let onLine: () => void = () => undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-live-"));
  await mkdir(join(folder, "texts"));
  await put("starter.json", sample);
  logged = [];
  const write = (line: string): void => {
    logged.push(JSON.parse(line) as Record<string, unknown>);
    onLine();
  };
  models = await openModels([join(folder, "not-there"), folder], { log: openLog({ level: "info", pretty: false, destination: { write } }) });
});
afterEach(async () => {
  models.stop();
  await rm(folder, { recursive: true, force: true });
});

async function put(name: string, content: unknown): Promise<void> {
  await writeFile(join(folder, `${name}.part`), typeof content === "string" ? content : JSON.stringify(content, null, 2));
  await rename(join(folder, `${name}.part`), join(folder, name));
}

const titles = (): string[] => models.list().map((model) => model.title);
const problems = (): unknown[] => logged.filter((line) => line["msg"] === "models.file_broken").map((line) => line["problem"]);

it("a new manifest is served, a removed one is not, and a changed text is said", async () => {
  await put("second.json", { ...sample, id: "77", slug: "Second", title: "Second" });
  await put("texts/en.json", { seed: "The seed" });
  await models.refresh();
  expect(titles()).toEqual(["Starter", "Second"]);
  expect(models.findByName("atelier/second")?.id).toBe("77");
  expect(models.textOf("seed")).toBe("The seed");
  await rm(join(folder, "second.json"));
  await models.refresh();
  expect(titles()).toEqual(["Starter"]);
  expect(models.findByName("atelier/second")).toBeUndefined();
});

it("a change is seen without being asked for", async () => {
  const seen = new Promise<void>((resolve) => (onLine = resolve));
  await put("starter.json", { ...sample, title: "Changed" });
  await seen;
  expect(titles()).toEqual(["Changed"]);
});

it("a broken manifest keeps its last good version while others change, and is told once with file, line and field", async () => {
  await put("starter.json", JSON.stringify({ ...sample, cps: "cheap" }, null, 2));
  await put("second.json", { ...sample, id: "77", slug: "Second", title: "Second" });
  await models.refresh();
  expect(titles()).toEqual(["Starter", "Second"]);
  await put("second.json", { ...sample, id: "77", slug: "Second", title: "Third" });
  await models.refresh();
  expect(titles()).toEqual(["Starter", "Third"]);
  expect(problems()).toEqual([expect.stringMatching(/starter\.json:\d+: cps: /)]);
  await put("starter.json", { ...sample, title: "Right again" });
  await models.refresh();
  expect(titles()).toEqual(["Right again", "Third"]);
});

it("a broken text catalogue keeps its last good version", async () => {
  await put("texts/en.json", { seed: "The seed" });
  await models.refresh();
  await put("texts/en.json", '{"seed": 1}');
  await models.refresh();
  expect(models.textOf("seed")).toBe("The seed");
  expect(problems()).toEqual([expect.stringContaining("en.json:1: seed: ")]);
});

it("two files that declare one id change nothing", async () => {
  await put("second.json", { ...sample, slug: "Second", title: "Second" });
  await models.refresh();
  expect(titles()).toEqual(["Starter"]);
  expect(problems()).toEqual([expect.stringContaining("both declare the id")]);
});

it("whoever holds a list keeps it whole", async () => {
  const before = models.list();
  await put("starter.json", { ...sample, title: "Changed" });
  await models.refresh();
  expect(before.map((model) => model.title)).toEqual(["Starter"]);
  expect(models.list()).not.toBe(before);
  const after = models.list();
  await models.refresh();
  expect(models.list()).toBe(after);
});

it("an alias finds the model, under every spelling, and may be no other model's name", async () => {
  await put("starter.json", { ...sample, aliases: ["Old Owner/First.Name"] });
  await models.refresh();
  for (const name of ["old-owner/first-name", "Old Owner/First.Name", "atelier/starter"]) expect(models.findByName(name)?.id).toBe("2");
  await put("second.json", { ...sample, id: "77", slug: "Second", aliases: ["atelier/starter"] });
  await models.refresh();
  expect(titles()).toEqual(["Starter"]);
  expect(problems()).toEqual([expect.stringContaining("both declare the name atelier/starter")]);
});
