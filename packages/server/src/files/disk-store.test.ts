import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { afterEach, expect, test } from "vitest";

import { exerciseFileStore } from "../../../../tests/many-machines/exercise-file-store.ts";
import { openDiskStore } from "./disk-store.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function setup() {
  const folder = await mkdtemp(join(tmpdir(), "atelier-files-"));
  folders.push(folder);
  const source = join(folder, "source");
  await writeFile(source, "0123456789");
  const storeFolder = join(folder, "files");
  return { files: openDiskStore(storeFolder), source, storeFolder };
}

exerciseFileStore("on a disk", async () => (await setup()).files, { bytes: 1_000_000 });

test("whoever has opened a file reads it, also where it is removed before the first byte was asked for", async () => {
  const { files, source, storeFolder } = await setup();
  await files.put("0a1b/0.png", source);
  const opened = await files.open("0a1b/0.png");
  // At once: nothing of the stream has run yet.
  rmSync(join(storeFolder, "0a"), { recursive: true });
  expect(opened && (await text(opened.stream))).toBe("0123456789");
});

test("a put that fails leaves no file behind, not even an unfinished one", async () => {
  const { files, source, storeFolder } = await setup();
  await expect(files.put("0a1b2c3d/0.png", `${source}-missing`)).rejects.toThrow("ENOENT");
  const left = await readdir(storeFolder, { recursive: true, withFileTypes: true });
  expect(left.filter((entry) => entry.isFile())).toEqual([]);
});

test("what a killed process left unfinished is no file, and goes once it is old enough", async () => {
  const { files, storeFolder } = await setup();
  await mkdir(join(storeFolder, "0a/0a1b"), { recursive: true });
  const partial = join(storeFolder, "0a/0a1b/0.png.0123456789ab.partial");
  await writeFile(partial, "half");
  for await (const page of files.list()) expect(page).toEqual([]);
  const old = new Date("2026-01-01T00:00:00Z");
  await utimes(partial, old, old);
  expect(await files.removeUnfinished(old)).toBe(0);
  expect(await files.removeUnfinished(new Date(old.getTime() + 1))).toBe(1);
});

test("a store that holds nothing yet lists nothing", async () => {
  const { files } = await setup();
  for await (const page of files.list()) expect(page).toEqual([]);
  expect(await files.removeUnfinished(new Date())).toBe(0);
});
