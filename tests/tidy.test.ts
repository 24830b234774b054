// Keeps the rooms apart and the files readable: import directions, sizes, names, purpose comments.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";

import { expect, test } from "vitest";

import { settingNames } from "../packages/server/src/config.ts";
import { namesOfTools } from "../packages/server/src/config/unknown-settings.ts";

const root = join(import.meta.dirname, "..");
const largestFileLines = 300;
const largestFunctionLines = 70;
const largestTreeBytes = 64 * 1024 * 1024;

/** Rooms of packages/server/src from the top down; an import may only point to a lower level or stay in its room. */
const serverLevels = [
  ["cli"],
  ["app"],
  ["http", "worker", "maintenance", "webhooks"],
  ["tasks", "models", "projects"],
  ["events", "engines", "files", "data-folder", "outbound"],
  ["db"],
  ["config"],
  ["errors", "limits", "log", "operator-error", "process-identity", "secret-text", "sentence", "address-range"],
  ["limits-of-files", "limits-of-remote-workers", "limits-of-stores", "limits-of-the-database"],
];

/** Which package may import which. */
const packageImports: Record<string, string[]> = {
  "packages/schema": [],
  "packages/flux": [],
  "packages/mcp": [],
  "packages/server": ["@atelier/schema", "@atelier/mcp"],
  "engines/flux": ["@atelier/schema", "@atelier/flux"],
  "engines/image": ["@atelier/schema"],
};

const forbiddenNames = ["utils", "helpers", "common", "types", "index", "misc"];

function committedFiles(): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard"];
  const listed = execFileSync("git", args, { cwd: root, encoding: "utf8" });
  return listed.split("\n").filter((file) => file !== "" && existsSync(join(root, file)));
}

const files = committedFiles();
const sources = files.filter((file) => /\.(ts|tsx|mjs)$/.test(file) && !file.endsWith(".d.ts"));
const shipped = sources.filter((file) => !isTest(file));

function isTest(file: string): boolean {
  return file.endsWith(".test.ts") || file.startsWith("tests/");
}

function read(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

function importsOf(file: string): string[] {
  return [...read(file).matchAll(/^(?:import|export)\s[^;]*?from\s+"([^"]+)"/gms)].map((match) => match[1] ?? "");
}

function levelOf(file: string): number | undefined {
  const room = /^packages\/server\/src\/([^/]+?)(?:\.ts|\/)/.exec(file)?.[1];
  const level = serverLevels.findIndex((rooms) => rooms.includes(room ?? ""));
  return level < 0 ? undefined : level;
}

function roomOf(file: string): string {
  return /^packages\/server\/src\/([^/]+?)(?:\.ts|\/)/.exec(file)?.[1] ?? file;
}

test("imports inside the server point downwards", () => {
  const wrong: string[] = [];
  for (const file of shipped.filter((candidate) => candidate.startsWith("packages/server/src/"))) {
    for (const specifier of importsOf(file).filter((text) => text.startsWith("."))) {
      const target = normalize(join(dirname(file), specifier));
      const [from, to] = [levelOf(file), levelOf(target)];
      if (from === undefined || to === undefined) wrong.push(`${file} or ${target} is in no room`);
      else if (to < from || (to === from && roomOf(file) !== roomOf(target))) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("packages import only what their room may", () => {
  const wrong: string[] = [];
  for (const [folder, allowed] of Object.entries(packageImports)) {
    for (const file of shipped.filter((candidate) => candidate.startsWith(`${folder}/`))) {
      for (const specifier of importsOf(file)) {
        const ours = /^@atelier\/[^/]+/.exec(specifier)?.[0];
        if (ours && !allowed.includes(ours)) wrong.push(`${file} imports ${specifier}`);
        if (specifier.startsWith(".") && !normalize(join(dirname(file), specifier)).startsWith(folder)) {
          wrong.push(`${file} leaves its package: ${specifier}`);
        }
      }
    }
  }
  expect(wrong).toEqual([]);
});

test("the schema does no input or output", () => {
  const wrong = shipped
    .filter((file) => file.startsWith("packages/schema/src/"))
    .filter((file) => importsOf(file).some((specifier) => specifier.startsWith("node:")));
  expect(wrong).toEqual([]);
});

/** On Node 20 the global dispatcher is one of undici 6, which may never settle where a server closes a connection at once. */
test("commands, servers and engines send no request by Node's own undici", () => {
  const wrong = shipped
    .filter((file) => /^(bin|engines|packages\/(server|mcp))\//.test(file))
    .filter((file) => /(?<![.\w])fetch\(/.test(read(file)) || (/import \{[^}]*\brequest\b[^}]*\} from "undici"/.test(read(file)) && !read(file).includes("dispatcher")));
  expect(wrong).toEqual([]);
});

test("every source file starts with a purpose comment", () => {
  const wrong = shipped.filter((file) => !/^(#!.*\n)?(\/\/|\/\*)/.test(read(file)) && !file.endsWith("config.ts"));
  expect(wrong).toEqual([]);
});

test("no file is longer than the limit", () => {
  const counted = [...shipped, ...files.filter((file) => file.endsWith(".py"))];
  const wrong = counted
    .map((file) => ({ file, lines: read(file).split("\n").length }))
    .filter(({ lines }) => lines > largestFileLines + 1);
  expect(wrong).toEqual([]);
});

test("no function is longer than the limit", () => {
  const wrong = shipped.flatMap((file) => longFunctions(file, read(file)));
  expect(wrong).toEqual([]);
});

test("no file has a name that says nothing", () => {
  const wrong = sources.filter((file) => forbiddenNames.includes(basename(file).replace(/\.(test\.)?(ts|tsx|mjs)$/, "")));
  expect(wrong).toEqual([]);
});

test("no file names a machine path, a registry host or the shared folder beside the repository", () => {
  const patterns = [/\/work\/(main|shared)/, /\.\.\/shared\//, /registry\.npmjs|pypi\.org|deb\.debian/, /\/root\/\.cache/];
  const wrong = files
    .filter((file) => /\.(ts|tsx|mjs|py|md|json|sh|txt|yml)$/.test(file) && file !== "tests/tidy.test.ts")
    .flatMap((file) => patterns.filter((pattern) => pattern.test(read(file))).map((pattern) => `${file}: ${pattern}`));
  expect(wrong).toEqual([]);
});

test("process.env is read in one place of the server", () => {
  const allowed = ["packages/server/src/config.ts", "packages/server/src/engines/engine-process.ts", "packages/server/src/db/test-database.ts"];
  const wrong = shipped
    .filter((file) => file.startsWith("packages/server/src/") && !allowed.includes(file))
    .filter((file) => read(file).includes("process.env"));
  expect(wrong).toEqual([]);
});

test("every name of ours that is read from the environment or documented is one that a server warns not of", () => {
  const inTests = /process\.env\["(ATELIER_\w+)"\]/g;
  const elsewhere = /\b(ATELIER_[A-Z0-9_]*[A-Z0-9])\b/g;
  const wrong = files
    .filter((file) => /\.(ts|tsx|mjs|py|md|sh|yml)$/.test(file))
    .flatMap((file) => [...read(file).matchAll(isTest(file) ? inTests : elsewhere)].map((match) => ({ file, name: match[1] ?? "" })))
    .filter(({ name }) => !settingNames.includes(name) && !namesOfTools.includes(name));
  expect(wrong).toEqual([]);
});

test("the tree stays small enough to travel", () => {
  const sizes = files.map((file) => readFileSync(join(root, file)).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(largestTreeBytes);
});

/** Functions and methods by their indentation: from a line that opens one to the line that closes it. */
function longFunctions(file: string, text: string): string[] {
  const lines = text.split("\n");
  const found: string[] = [];
  lines.forEach((line, at) => {
    const opens = /^(\s*)(?:export )?(?:async )?(?:function\b|(?:static |get |async )*[#\w]+\([^)]*\)[^;=]*\{$|const \w+ = (?:async )?\([^)]*\).*=> \{$)/.exec(line);
    if (!opens || /^\s*(if|for|while|switch|return|await)\b/.test(line)) return;
    const end = lines.findIndex((other, index) => index > at && other.startsWith(`${opens[1] ?? ""}}`));
    if (end - at + 1 > largestFunctionLines) found.push(`${file}:${at + 1} has ${end - at + 1} lines`);
  });
  return found;
}
