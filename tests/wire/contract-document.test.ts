import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, it } from "vitest";

import { errorRegistry } from "../../packages/server/src/errors.ts";

const root = join(import.meta.dirname, "../..");
const contract = readFileSync(join(root, "docs/wire-contract.md"), "utf8");
const workerApi = readFileSync(join(root, "docs/worker-api.md"), "utf8");

it("every section of the wire contract that a file cites exists", () => {
  const sections = [...contract.matchAll(/^##+ (.+)$/gm)].map((match) => match[1] ?? "");
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" });
  const files = listed.split("\n").filter((file) => /\.(ts|mjs|sql|py|md)$/.test(file) && existsSync(join(root, file)));
  const cited = files.flatMap((file) =>
    [...readFileSync(join(root, file), "utf8").matchAll(/docs\/wire-contract\.md, "([^"$(]+)"/g)].map((match) => ({
      file,
      section: match[1] ?? "",
    })),
  );
  expect(cited.length).toBeGreaterThan(10);
  expect(cited.filter(({ section }) => !sections.includes(section))).toEqual([]);
});

it("the tables of error codes equal the registry: the wire's here, the worker API's in its own document", () => {
  const named: Readonly<Record<string, string>> = { parameter: "{name}" };
  const placeholders = new Proxy(named, { get: (known, name) => known[String(name)] ?? `{${String(name)}}` });
  const registered = Object.entries(errorRegistry).map(
    ([code, { wireCode, httpStatus, text }]) => `| \`${code}\` | ${wireCode} | ${httpStatus} | \`${text(placeholders).replaceAll("`", "'")}\` |`,
  );
  const rows = (document: string) => document.match(/^\| `[A-Z_]+` \| [0-9]+ \| [0-9]{3} \| .*$/gm);
  const isOfWorkers = (row: string): boolean => row.startsWith("| `WORKER_");
  expect(rows(contract)).toEqual(registered.filter((row) => !isOfWorkers(row)));
  expect(rows(workerApi)).toEqual(registered.filter(isOfWorkers));
});
