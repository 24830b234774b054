import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, it } from "vitest";

import { emptyFolder, makeFolder } from "./make-folder.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-folder-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("makes a folder and those above it, and tells which", async () => {
  const [outer, inner] = [join(folder, "a"), join(folder, "a/b")];
  expect(await makeFolder(inner, { mode: 0o700 })).toEqual([outer, inner]);
  expect((await stat(inner)).mode & 0o777).toBe(0o700);
  expect(await makeFolder(inner)).toEqual([]);
});

it("of many that make the same folder each finds it", async () => {
  const made = await Promise.all(Array.from({ length: 20 }, () => makeFolder(join(folder, "a/b/c"))));
  expect(made.flat().toSorted()).toEqual([join(folder, "a"), join(folder, "a/b"), join(folder, "a/b/c")]);
});

it("is empty again, and gone with those that were made for it, but for one that somebody else uses", async () => {
  const path = join(folder, "a/b/c");
  const made = await makeFolder(path);
  await mkdir(join(path, "half"));
  await writeFile(join(path, "half/file"), "");
  await writeFile(join(folder, "a/theirs"), "");
  await emptyFolder(path, made);
  expect(await readdir(join(folder, "a"))).toEqual(["theirs"]);
  await emptyFolder(join(folder, "a"), []);
  expect(await readdir(folder)).toEqual(["a"]);
});

it("where one cannot be made, those above it do not stay", async () => {
  await expect(makeFolder(join(folder, "a/b", "c".repeat(256)))).rejects.toMatchObject({ code: "ENAMETOOLONG" });
  expect(await readdir(folder)).toEqual([]);
});

it("a file in its way is told of, and stays", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(makeFolder(join(folder, "file"))).rejects.toMatchObject({ code: "EEXIST" });
  await expect(makeFolder(join(folder, "file/inner"))).rejects.toMatchObject({ code: "EEXIST" });
  expect(await readdir(folder)).toEqual(["file"]);
});

it.runIf(process.platform === "linux")("a folder that takes none, as /proc, is an error and no endless search", async () => {
  await expect(makeFolder("/proc/atelier/pictures")).rejects.toMatchObject({ code: "ENOENT" });
});
