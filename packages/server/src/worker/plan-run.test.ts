import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { manifestSchema } from "@atelier/schema/manifest";
import { afterEach, expect, test } from "vitest";

import { chooseVariant, planRun, whyNotRunnable } from "./plan-run.ts";

const manifest = manifestSchema.parse({
  id: "1",
  owner: "Test",
  slug: "Two Ways",
  title: "Two ways",
  description: "",
  cover: "",
  categories: [],
  cps: "0.000000000001",
  parameters: [],
  variants: [
    { name: "large", engine: "gpu", base: "large", adapters: [{ file: "adapters/mine" }] },
    { name: "small", engine: "cpu", base: "small", adapters: [{ file: "adapters/ours", weight: 0.5 }] },
  ],
});

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function foldersWith(...files: string[]) {
  const root = await mkdtemp(join(tmpdir(), "atelier-plan-"));
  folders.push(root);
  for (const file of files) await mkdir(join(root, file), { recursive: true });
  return { modelFolders: [join(root, "own"), join(root, "shipped")] };
}

test("the first variant whose engine and files are there is used", async () => {
  const all = await foldersWith("own/large", "own/adapters/mine", "shipped/small", "shipped/adapters/ours");
  expect(chooseVariant(manifest, ["gpu", "cpu"], all)?.name).toBe("large");
  expect(chooseVariant(manifest, ["cpu"], all)?.name).toBe("small");
  expect(chooseVariant(manifest, ["other"], all)).toBeUndefined();
});

test("a variant with a missing adapter is passed over", async () => {
  const without = await foldersWith("own/large", "shipped/small", "shipped/adapters/ours");
  expect(chooseVariant(manifest, ["gpu", "cpu"], without)?.name).toBe("small");
});

test("where no variant has its files there is none to run, and the missing file or the missing engine is named", async () => {
  const some = await foldersWith("own/large", "shipped/small");
  expect(chooseVariant(manifest, ["gpu", "cpu"], some)).toBeUndefined();
  expect(whyNotRunnable(manifest, ["gpu"], some)).toBe("adapters/mine is in none of the models folders");
  expect(whyNotRunnable(manifest, ["gpu", "cpu"], some)).toBe("adapters/ours is in none of the models folders");
  expect(whyNotRunnable(manifest, ["other"], some)).toBe("no engine of this installation runs it");
  const all = await foldersWith("shipped/small", "shipped/adapters/ours");
  expect(whyNotRunnable(manifest, ["gpu", "cpu"], all)).toBeUndefined();
});

test("a user's own files win over the shipped ones, and the adapter's weight is kept", async () => {
  const both = await foldersWith("own/small", "shipped/small", "shipped/adapters/ours");
  const variant = chooseVariant(manifest, ["cpu"], both);
  if (!variant) throw new Error("no variant");
  const input = { prompt: "x", steps: 2, scale: 1, seed: 0, width: 64, height: 64, samples: 1 };
  const plan = planRun(manifest, variant, { input, folders: both });
  expect(plan.work).toMatchObject({
    type: "run",
    basePath: join(both.modelFolders[0] ?? "", "small"),
    adapters: [{ path: join(both.modelFolders[1] ?? "", "adapters/ours"), weight: 0.5 }],
    metadata: { model: "Test/Two Ways", variant: "small" },
  });
});

test("what a manifest has no parameter for is drawn with a default", () => {
  const variant = manifest.variants[1];
  if (!variant) throw new Error("the manifest has two variants");
  const { work } = planRun(manifest, variant, { input: { prompt: "a red planet", steps: 4 }, folders: { modelFolders: ["/models"] } });
  expect(work).toMatchObject({
    type: "run",
    input: { prompt: "a red planet", steps: 4, guidanceScale: 3.5, seed: 0, widthPixels: 1024, heightPixels: 1024, samples: 1 },
  });
});

test("a variant with an operation is given the files, and the values without them", async () => {
  const none = await foldersWith();
  const variant = { name: "image", engine: "image", base: "", operation: "enlarge", adapters: [] };
  expect(chooseVariant({ ...manifest, variants: [variant] }, ["image"], none)).toBe(variant);
  const files = [{ parameter: "image", path: "/tmp/a", name: "a.png" }];
  const plan = planRun(manifest, variant, { input: { factor: 2, image: [{ fileKey: "k/a.png", name: "a.png" }] }, folders: none, files });
  expect(plan.work).toEqual({
    type: "transform",
    operation: "enlarge",
    values: { factor: 2 },
    files,
    metadata: { model: "Test/Two Ways", variant: "image" },
  });
  expect(plan.provenance).toEqual({ operation: "enlarge", factor: 2 });
});
