// Reports name the command and the code that gave them: the arguments as given, and a tree that differs from its commit says so.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { commandLine, commitOf, root } from "../../benchmarks/provenance.mjs";

function processOf(args: string[], execPath = "/usr/bin/node") {
  return { argv: [execPath, join(root, "benchmarks/server/submit.mjs"), ...args], execPath, version: "v24.21.0" } as NodeJS.Process;
}

function repository() {
  const folder = mkdtempSync(join(tmpdir(), "atelier-provenance-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const git = (...args: string[]) => execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@localhost", ...args], { cwd: folder, encoding: "utf8" });
  git("init", "--quiet");
  writeFileSync(join(folder, "queue.ts"), "first");
  git("add", ".");
  git("commit", "--quiet", "--message", "first");
  return { folder, commit: git("rev-parse", "--short", "HEAD").trim() };
}

test("a report's command has every argument that was given, from the project's root", () => {
  const command = commandLine({ process: processOf(["--rate", "200", "--note", "it's two words", "--write"]) });
  expect(command).toBe(String.raw`node benchmarks/server/submit.mjs --rate 200 --note 'it'\''s two words' --write`);
});

test("a seed that the command chose itself is named, one that was given is not named twice", () => {
  expect(commandLine({ chosen: { seed: 7 }, process: processOf(["--write"]) })).toBe("node benchmarks/server/submit.mjs --write --seed 7");
  expect(commandLine({ chosen: { seed: 8 }, process: processOf(["--seed=8"]) })).toBe("node benchmarks/server/submit.mjs --seed=8");
  expect(commandLine({ chosen: { seed: 8 }, process: processOf(["--seed", "8"]) })).toBe("node benchmarks/server/submit.mjs --seed 8");
});

test("a Node that npx brought is named, a folder outside the project is not", () => {
  const command = commandLine({ process: processOf(["--state", "/srv/rounds"], "/root/.npm/_npx/1a2b/node_modules/node/bin/node") });
  expect(command).toBe("npx -y --ignore-scripts=false node@24 benchmarks/server/submit.mjs --state rounds");
});

test("a tree as committed gives its commit, one with changes or new files says so", () => {
  const { folder, commit } = repository();
  expect(commitOf(folder)).toBe(commit);
  writeFileSync(join(folder, "queue.ts"), "second");
  expect(commitOf(folder)).toBe(`${commit} with changes`);
  writeFileSync(join(folder, "queue.ts"), "first");
  writeFileSync(join(folder, "new.ts"), "new");
  expect(commitOf(folder)).toBe(`${commit} with changes`);
});

test("reports that were written before are no changes", () => {
  const { folder, commit } = repository();
  for (const inner of ["benchmarks/results", "benchmarks/capacity"]) mkdirSync(join(folder, inner), { recursive: true });
  writeFileSync(join(folder, "benchmarks/results/queue.md"), "# Queue");
  writeFileSync(join(folder, "benchmarks/capacity/calibration.json"), "{}");
  expect(commitOf(folder)).toBe(commit);
});
