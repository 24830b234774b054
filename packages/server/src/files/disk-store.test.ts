import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { afterEach, expect, test } from "vitest";

import { openDiskStore } from "./disk-store.ts";

const key = "0a1b2c3d-00000000/0.png";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function setup() {
  const folder = await mkdtemp(join(tmpdir(), "atelier-files-"));
  folders.push(folder);
  const source = join(folder, "source");
  await writeFile(source, "0123456789");
  const files = openDiskStore(join(folder, "files"));
  return { files, source, storeFolder: join(folder, "files") };
}

test("what was put can be opened, whole and in part", async () => {
  const { files, source } = await setup();
  expect(await files.put(key, source)).toEqual({ sizeBytes: 10 });
  const whole = await files.open(key);
  expect(whole?.sizeBytes).toBe(10);
  expect(whole && (await text(whole.stream))).toBe("0123456789");
  const part = await files.open(key, { start: 2, end: 4 });
  expect(part && (await text(part.stream))).toBe("234");
});

test("putting again replaces the file whole", async () => {
  const { files, source } = await setup();
  await files.put(key, source);
  await writeFile(source, "new");
  await files.put(key, source);
  const opened = await files.open(key);
  expect(opened && (await text(opened.stream))).toBe("new");
});

test("a put that fails leaves nothing behind", async () => {
  const { files, source, storeFolder } = await setup();
  await expect(files.put(key, `${source}-missing`)).rejects.toThrow("ENOENT");
  expect(await files.open(key)).toBeUndefined();
  const left = await readdir(storeFolder, { recursive: true, withFileTypes: true });
  expect(left.filter((entry) => entry.isFile())).toEqual([]);
});

test("an unknown key opens to nothing, and removing it is no error", async () => {
  const { files, source } = await setup();
  expect(await files.open(key)).toBeUndefined();
  await files.remove(key);
  await files.put(key, source);
  await files.remove(key);
  expect(await files.open(key)).toBeUndefined();
});

test("a key that leaves the folder is refused", async () => {
  const { files, source } = await setup();
  for (const bad of ["../x", "a/../../x", "/etc/passwd", "a//b", ".hidden/x", "a/b/c/d/e", "a\0b", ""]) {
    await expect(files.put(bad, source)).rejects.toThrow("not a file key");
    await expect(files.open(bad)).rejects.toThrow("not a file key");
    await expect(files.remove(bad)).rejects.toThrow("not a file key");
  }
});
