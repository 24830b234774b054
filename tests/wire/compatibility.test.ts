// docs/compatibility.md says nothing that no test shows.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, it } from "vitest";

import { testNames } from "./test-names.ts";

interface Behaviour {
  behaviour: string;
  file?: string;
  test?: string;
  missing?: string;
  outOfScope?: string;
}

const root = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const { sections } = JSON.parse(read("tests/wire/behaviours.json")) as { sections: { section: number; behaviours: Behaviour[] }[] };
const behaviours = sections.flatMap((section) => section.behaviours);

it("the committed page is the generated one: node scripts/write-compatibility.mjs", () => {
  const generated = execFileSync(process.execPath, ["scripts/write-compatibility.mjs", "--print"], { cwd: root, encoding: "utf8" });
  expect(read("docs/compatibility.md")).toBe(generated);
});

it("every behaviour has a test, or says why it has none, and is named once", () => {
  const answered = ({ test, missing, outOfScope }: Behaviour): number => [test, missing, outOfScope].filter((answer) => answer?.trim()).length;
  expect(behaviours.filter((one) => answered(one) !== 1 || (one.test === undefined) !== (one.file === undefined))).toEqual([]);
  expect(new Set(behaviours.map((one) => one.behaviour)).size).toBe(behaviours.length);
});

it("every section of the contract that records what clients do is there", () => {
  expect(sections.map((section) => section.section)).toEqual(expect.arrayContaining([2, 3, 4, 5, 6, 7, 8, 9, 10]));
});

it("every test that is named exists in its file and is not skipped", () => {
  const namesIn = new Map<string, string[]>();
  const names = (file: string): string[] => {
    if (!namesIn.has(file)) namesIn.set(file, existsSync(join(root, file)) ? testNames(read(file)) : []);
    return namesIn.get(file) ?? [];
  };
  const absent = behaviours.filter(({ file, test }) => test !== undefined && !names(file ?? "").includes(test));
  expect(absent.map(({ file, test }) => `${file}: ${test}`)).toEqual([]);
});

it("names are read from a source as they stand, without groups and skipped tests", () => {
  const source = [
    'describe("group", () => {',
    '  it("plain \\"quoted\\"", async () => {});',
    '  it.each([["case", () => 1]])(',
    '    "each %s",',
    "    (name) => {},",
    "  );",
    '  it.skip("skipped", () => {});',
    '  it.runIf(isRoot)("runs on some machines", async () => {});',
    '  test.skipIf(isRoot && has("x"))("skipped on some machines", () => {});',
    '  describe.each([1])("another group", () => {});',
    '  test("with options", { timeout: 1 }, () => {});',
    '  // it("in a comment", () => {});',
    "});",
  ].join("\n");
  expect(testNames(source)).toEqual(['plain "quoted"', "each %s", "with options"]);
});
