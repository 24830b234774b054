import { appendFile, copyFile, lstat, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Manifest } from "@atelier/schema/manifest";

import { limits } from "../limits.ts";
import { addAdapter, addManifest, removeModel } from "./own-models.ts";
import { loadModels } from "./registry.ts";

const shipped = join(import.meta.dirname, "../../../../models");
const adapter = join(shipped, "adapters/baroque-space-opera.safetensors");
const how = { base: "starter", owner: "My", slug: undefined, title: undefined, weight: 0.8, isLinked: false };

let root: string;
let own: string;
let home: { modelFolders: string[] };
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "atelier-own-"));
  own = join(root, "data/models");
  home = { modelFolders: [own, shipped] };
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function manifestBeside(weights: Record<string, string>, changes: object = {}): Promise<string> {
  const sample = JSON.parse(await readFile(join(shipped, "starter.json"), "utf8")) as Manifest;
  const variants = [{ name: "v", engine: "flux", base: "mine", adapters: [] }];
  const path = join(root, "brought.json");
  await writeFile(path, JSON.stringify({ ...sample, id: "500", slug: "Mine", cover: "", variants, ...changes }));
  for (const [name, content] of Object.entries(weights)) {
    await mkdir(join(root, name, ".."), { recursive: true });
    await writeFile(join(root, name), content);
  }
  return path;
}

const exists = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);

describe("an adapter file", () => {
  it("becomes a model with the inputs of its base, its file copied and its hash listed", async () => {
    const file = join(root, "My golden style.safetensors");
    await copyFile(adapter, file);
    const added = await addAdapter(home, file, how);
    expect(added).toMatchObject({ name: "my/my-golden-style", id: "100000" });
    const model = (await loadModels(home.modelFolders)).findByName("my/my-golden-style");
    expect(model).toMatchObject({
      title: "My golden style",
      variants: [{ engine: "flux", base: "starter", adapters: [{ file: "adapters/My golden style.safetensors", weight: 0.8 }] }],
    });
    expect(model?.parameters).toEqual((await loadModels([shipped])).findByName("atelier/starter")?.parameters);
    const [listed] = JSON.parse(await readFile(join(own, "weights.json"), "utf8")) as { path: string; sizeBytes: number }[];
    expect(listed).toMatchObject({ path: "models/adapters/My golden style.safetensors", sizeBytes: (await stat(adapter)).size });
    expect((await addAdapter(home, adapter, { ...how, slug: "Second" })).id).toBe("100001");
  });

  it("does not say where the weights of its base's model come from as if they were its own", async () => {
    const base = "arsmachina/baroque-space-opera-v1";
    expect((await loadModels([shipped])).findByName(base)).toHaveProperty("origin");
    const { name } = await addAdapter(home, adapter, { ...how, base });
    expect((await loadModels(home.modelFolders)).findByName(name)).not.toHaveProperty("origin");
  });

  it("may be linked instead of copied", async () => {
    await addAdapter(home, adapter, { ...how, isLinked: true });
    expect((await lstat(join(own, "adapters/baroque-space-opera.safetensors"))).isSymbolicLink()).toBe(true);
  });

  it.each([
    ["a base that nobody has", { base: "nobody" }, "No model has the base nobody"],
    ["a name that a model has already", { owner: "Atelier", slug: "Starter" }, "has the name atelier/starter already"],
    ["a name with a further slash", { slug: "a/b" }, '"a/b" cannot be half of a model\'s name: a name begins with a letter or digit'],
    ["an owner that clients cannot write", { owner: "Müller" }, '"Müller" cannot be half of a model\'s name'],
  ])("is refused for %s, and nothing is written", async (_name, change, problem) => {
    await expect(addAdapter(home, adapter, { ...how, ...change })).rejects.toThrow(problem);
    expect(await exists(own)).toBe(false);
  });

  it("is refused when it is no safetensors file, no adapter, or one of another base", async () => {
    const file = join(root, "x.safetensors");
    await writeFile(file, "not at all");
    await expect(addAdapter(home, file, how)).rejects.toThrow("is not a safetensors file");
    const transformer = join(shipped, "starter/transformer/diffusion_pytorch_model.safetensors");
    await expect(addAdapter(home, transformer, how)).rejects.toThrow("holds no LoRA");
    const head = JSON.stringify({ "transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": { dtype: "F32", shape: [4, 3072], data_offsets: [0, 0] } });
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(head.length));
    await writeFile(file, Buffer.concat([size, Buffer.from(head)]));
    await expect(addAdapter(home, file, how)).rejects.toThrow("does not fit the base");
    expect(await exists(own)).toBe(false);
  });
});

describe("a manifest", () => {
  it("is added with the weights beside it, and removed with them", async () => {
    const path = await manifestBeside({ "mine/transformer/a.safetensors": "weights" });
    expect(await addManifest(home, path, { isLinked: false })).toMatchObject({ name: "atelier/mine", id: "500" });
    expect(await readFile(join(own, "mine/transformer/a.safetensors"), "utf8")).toBe("weights");
    expect(await readFile(join(own, "weights.json"), "utf8")).toContain("models/mine/transformer/a.safetensors");
    const removed = await removeModel(home, "Atelier/Mine", { withWeights: true });
    expect(removed).toHaveLength(2);
    expect(await exists(join(own, "mine"))).toBe(false);
    expect(await readFile(join(own, "weights.json"), "utf8")).toBe("[]\n");
    expect((await loadModels(home.modelFolders)).findByName("atelier/mine")).toBeUndefined();
  });

  it("is refused when its weights are nowhere, are not those that its list names, or when its id is taken", async () => {
    await expect(addManifest(home, await manifestBeside({}), { isLinked: false })).rejects.toThrow("mine is neither beside it");
    const weights = { "mine/a.safetensors": "weights" };
    await writeFile(join(root, "weights.json"), JSON.stringify([{ path: "models/mine/a.safetensors", sha256: "0".repeat(64), sizeBytes: 7 }]));
    await expect(addManifest(home, await manifestBeside(weights), { isLinked: false })).rejects.toThrow("is not the file that");
    await rm(join(root, "weights.json"));
    await expect(addManifest(home, await manifestBeside(weights, { id: "2" }), { isLinked: false })).rejects.toThrow("has the id 2 already");
    await appendFile(join(root, "brought.json"), "}");
    await expect(addManifest(home, join(root, "brought.json"), { isLinked: false })).rejects.toThrow(/brought\.json:\d+: /);
    expect(await exists(own)).toBe(false);
  });
});

it("what belongs to the installation cannot be removed, and weights that others use stay", async () => {
  await expect(removeModel(home, "atelier/starter", { withWeights: true })).rejects.toThrow("belongs to the installation");
  await expect(removeModel(home, "atelier/nothing", { withWeights: true })).rejects.toThrow("There is no model");
  await addManifest(home, await manifestBeside({ "mine/a.safetensors": "weights" }), { isLinked: false });
  await rm(join(root, "mine"), { recursive: true });
  await addManifest(home, await manifestBeside({}, { id: "501", slug: "Other" }), { isLinked: false });
  expect(await removeModel(home, "atelier/other", { withWeights: true })).toHaveLength(1);
  expect(await exists(join(own, "mine/a.safetensors"))).toBe(true);
});

describe("a model that works on files", () => {
  const variants = [{ name: "image", engine: "image", operation: "enlarge" }];
  const items = [{ id: "image", type: "fileinput", label: "image", default: "samples/a.png", required: true }];

  it("is added with its samples, twice where two models share one, and removed with nothing else", async () => {
    const changes = { variants, parameters: [{ title: "", items }], examples: [] };
    await addManifest(home, await manifestBeside({ "mine/a.safetensors": "weights" }), { isLinked: false });
    for (const [id, slug] of [["600", "One"], ["601", "Two"]]) {
      const path = await manifestBeside({ "samples/a.png": "picture" }, { ...changes, id, slug });
      expect(await addManifest(home, path, { isLinked: false })).toMatchObject({ id });
    }
    expect(await readFile(join(own, "samples/a.png"), "utf8")).toBe("picture");
    const other = await manifestBeside({ "samples/a.png": "another" }, { ...changes, id: "602", slug: "Three" });
    await expect(addManifest(home, other, { isLinked: false })).rejects.toThrow("a.png is there already");

    expect(await removeModel(home, "atelier/one", { withWeights: true })).toHaveLength(1);
    expect(await readFile(join(own, "mine/a.safetensors"), "utf8")).toBe("weights");
  });

  it("shares no sample that is larger than any that is served, however alike: such files are not read", async () => {
    const changes = { variants, parameters: [{ title: "", items }], examples: [] };
    const add = async (id: string): Promise<unknown> => {
      const path = await manifestBeside({ "samples/a.png": "" }, { ...changes, id, slug: `Large ${id}` });
      await truncate(join(root, "samples/a.png"), limits.outboundDownloadBytes + 1);
      return addManifest(home, path, { isLinked: true });
    };
    await add("610");
    // Not the linked file itself, but another one of the same bytes.
    await rm(join(own, "samples/a.png"));
    await writeFile(join(own, "samples/a.png"), "");
    await truncate(join(own, "samples/a.png"), limits.outboundDownloadBytes + 1);
    await expect(add("611")).rejects.toThrow("a.png is there already");
  });

  it.each([".", "./", "..", "../elsewhere", "x/../..", "/"])("whose base is %j takes nothing with it when it is removed", async (base) => {
    const outside = join(root, "data/elsewhere");
    await mkdir(outside, { recursive: true });
    await addManifest(home, await manifestBeside({}, { variants: [{ ...variants[0], base }] }), { isLinked: false });
    expect(await removeModel(home, "atelier/mine", { withWeights: true })).toHaveLength(1);
    expect([await exists(own), await exists(outside)]).toEqual([true, true]);
  });
});
