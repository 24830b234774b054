import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, expect, test } from "vitest";

import { RunFolders } from "./run-folders.ts";

const parents: string[] = [];
afterEach(() => {
  for (const parent of parents.splice(0)) rmSync(parent, { recursive: true, force: true });
});

function setup(most = 2) {
  const parent = mkdtempSync(join(tmpdir(), "atelier-run-folders-"));
  parents.push(parent);
  const folders = new RunFolders(parent, most);
  return { parent, folders, inodeOf: (name: string) => statSync(folders.pathOf(name)).ino };
}

test("a run gets the folder of one that is over, empty and under its own name alone", async () => {
  const { parent, folders, inodeOf } = setup();
  await folders.make("run-1-1");
  const inode = inodeOf("run-1-1");
  await mkdir(join(folders.pathOf("run-1-1"), "inputs"));
  await writeFile(join(folders.pathOf("run-1-1"), "inputs", "0.png"), "a picture");
  await folders.empty("run-1-1");
  expect(readdirSync(folders.pathOf("run-1-1"))).toEqual([]);
  await folders.make("run-2-1");
  expect(inodeOf("run-2-1")).toBe(inode);
  expect(readdirSync(parent)).toEqual(["run-2-1"]);
});

test("a removed folder goes to no other run, and no more are kept than may be", async () => {
  const { parent, folders } = setup(1);
  for (const name of ["run-1-1", "run-2-1", "run-3-1"]) await folders.make(name);
  await folders.remove("run-1-1");
  await folders.empty("run-2-1");
  await folders.empty("run-3-1");
  expect(readdirSync(parent)).toEqual(["run-2-1"]);
});

test("what a link in the place of a run's folder leads to is left alone", async () => {
  const { parent, folders } = setup();
  const elsewhere = mkdtempSync(join(tmpdir(), "atelier-not-ours-"));
  parents.push(elsewhere);
  await writeFile(join(elsewhere, "weights"), "of somebody");
  await folders.make("run-1-1");
  rmSync(folders.pathOf("run-1-1"), { recursive: true });
  await symlink(elsewhere, folders.pathOf("run-1-1"));
  await folders.empty("run-1-1");
  expect([readdirSync(elsewhere), readdirSync(parent)]).toEqual([["weights"], []]);
});

test("what lies under a run's name from before is gone, with a spare folder and without", async () => {
  const { parent, folders } = setup();
  const leave = async (name: string): Promise<void> => {
    await mkdir(folders.pathOf(name), { recursive: true });
    await writeFile(join(folders.pathOf(name), "0.png"), "of another life");
  };
  await leave("run-1-1");
  await folders.make("run-1-1");
  expect(readdirSync(folders.pathOf("run-1-1"))).toEqual([]);
  await folders.empty("run-1-1");
  await leave("run-2-1");
  await folders.make("run-2-1");
  expect(readdirSync(folders.pathOf("run-2-1"))).toEqual([]);
  expect(readdirSync(parent)).toEqual(["run-2-1"]);
});

test("a spare folder that somebody removed is missed by nobody", async () => {
  const { parent, folders } = setup();
  await folders.make("run-1-1");
  await folders.empty("run-1-1");
  rmSync(parent, { recursive: true });
  await folders.make("run-2-1");
  expect(existsSync(folders.pathOf("run-2-1"))).toBe(true);
});

test("nothing is left once the worker has stopped, of runs that end later either", async () => {
  const { parent, folders } = setup();
  await folders.make("run-1-1");
  await folders.make("run-2-1");
  await folders.empty("run-1-1");
  await folders.close();
  await folders.empty("run-2-1");
  expect(readdirSync(parent)).toEqual([]);
});
