import { mkdtemp, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FileHasher } from "@atelier/flux/file-hash";
import { optionalPaths, pipelinePaths } from "@atelier/flux/pipeline-files";
import { writeRandomModel } from "@atelier/flux/random-model";
import { BaseStore } from "./base-store.ts";

let folder: string;
const base = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-bases-"));
  for (const name of ["a", "b", "c"]) await writeRandomModel(base(name), { nativePixels: 64 });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function setup(maxBytes: number): BaseStore {
  return new BaseStore({ threads: 1, maxBytes, hasher: new FileHasher() });
}

async function baseBytes(): Promise<number> {
  const store = setup(Infinity);
  const { weightBytes } = (await store.get(base("a"))).pipeline;
  await store.unload(base("a"));
  return weightBytes;
}

test("the least recently used base leaves when the memory budget is exceeded", async () => {
  const store = setup(2.5 * (await baseBytes()));
  await store.get(base("a"));
  await store.get(base("b"));
  await store.get(base("a"));
  await store.get(base("c"));
  expect(store.folders).toEqual([base("a"), base("c")]);
  expect(store.loadCount).toBe(3);
  await store.get(base("b"));
  expect(store.folders).toEqual([base("c"), base("b")]);
  expect(store.loadCount).toBe(4);
  for (const name of store.folders) await store.unload(name);
});

test("one base stays, even when it alone exceeds the budget", async () => {
  const store = setup(1);
  const first = await store.get(base("a"));
  expect(await store.get(base("a"))).toBe(first);
  expect(store.loadCount).toBe(1);
  await store.unload(base("a"));
});

test("a base whose files changed is loaded anew", async () => {
  const store = setup(Infinity);
  const first = await store.get(base("a"));
  await utimes(join(base("a"), pipelinePaths.decoder), 1, 1);
  expect(await store.get(base("a"))).not.toBe(first);
  expect(store.loadCount).toBe(2);
  await store.unload(base("a"));
});

test("an enlarger's hash is told with the others, and adding or altering one loads the base anew", async () => {
  const store = setup(Infinity);
  await writeRandomModel(base("d"), { nativePixels: 64 });
  const without = await store.get(base("d"));
  expect(without.hashes).not.toHaveProperty(optionalPaths.enlarger);
  await writeRandomModel(base("d"), { nativePixels: 64, enlargerChannels: 4 });
  const first = await store.get(base("d"));
  expect(first.hashes).toHaveProperty(optionalPaths.enlarger);
  await utimes(join(base("d"), optionalPaths.enlarger), 1, 1);
  expect(await store.get(base("d"))).not.toBe(first);
  await store.unload(base("d"));
});
