import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { manifestSchema } from "@atelier/schema/manifest";
import { afterEach, expect, test } from "vitest";

import { warmModels } from "./warm-models.ts";

const files = ["base-a", "base-b", "one", "two"];
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const model = (slug: string, base: string, adapters: string[]) =>
  manifestSchema.parse({
    id: "1", owner: "test", slug, title: "", description: "", cover: "", categories: [], cps: "0.000000000001", parameters: [],
    variants: [{ name: "v", engine: "flux", base, adapters: adapters.map((file) => ({ file })) }],
  });
const models = [model("a-one", "base-a", ["one"]), model("a-two", "base-a", ["two"]), model("a", "base-a", []), model("b", "base-b", [])];

async function setup() {
  const folder = await mkdtemp(join(tmpdir(), "atelier-warm-"));
  folders.push(folder);
  for (const file of files) await mkdir(join(folder, file));
  const loaded = (basePath: string, ...adapters: string[]) => ({
    basePath: join(folder, basePath),
    adapterPaths: adapters.map((file) => join(folder, file)),
  });
  const warmOf = (...list: ReturnType<typeof loaded>[]) =>
    warmModels(models, { engines: ["flux"], folders: { modelFolders: [folder] }, loaded: list });
  return { loaded, warmOf };
}

test("a model is warm when an engine has its base with its very adapters, and its base is warm with any", async () => {
  const { loaded, warmOf } = await setup();
  expect(warmOf()).toEqual({ warm: [], warmBases: [] });
  expect(warmOf(loaded("base-a", "one"))).toEqual({ warm: ["test/a-one"], warmBases: ["test/a-two", "test/a"] });
  expect(warmOf(loaded("base-a"))).toEqual({ warm: ["test/a"], warmBases: ["test/a-one", "test/a-two"] });
});

test("what any of several engines has loaded counts", async () => {
  const { loaded, warmOf } = await setup();
  expect(warmOf(loaded("base-a", "two"), loaded("base-b"))).toEqual({ warm: ["test/a-two", "test/b"], warmBases: ["test/a-one", "test/a"] });
});
