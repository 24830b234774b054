// Every command that the pages on keys and signatures show is run as it stands, in the order of the page.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";

import { main } from "../../packages/server/src/cli/atelier.ts";
import { createTestDatabase } from "../../packages/server/src/db/test-database.ts";
import type { TestDatabase } from "../../packages/server/src/db/test-database.ts";

let test: TestDatabase;
let folder: string;
beforeAll(async () => {
  test = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "atelier-documented-"));
  const { host, user, database } = test.address;
  vi.stubEnv("DATABASE_URL", `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`);
  vi.stubEnv("ATELIER_DATA", folder);
});
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  vi.unstubAllEnvs();
  await test.drop();
  await rm(folder, { recursive: true, force: true });
});

/** What the command prints; fails the test when it fails. */
async function atelier(line: string): Promise<string> {
  const written = { out: "", err: "" };
  vi.spyOn(process.stdout, "write").mockImplementation((text) => Boolean((written.out += String(text))));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => Boolean((written.err += String(text))));
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? "");
  const code = await main(words);
  vi.restoreAllMocks();
  expect({ line, code, err: written.err }).toEqual({ line, code: 0, err: "" });
  return written.out;
}

it.each([
  ["docs/security.md", 6],
  ["docs/signature-v2.md", 1],
])("%s: %i commands", async (page, count) => {
  const text = await readFile(join(import.meta.dirname, "../..", page), "utf8");
  const lines = [...text.matchAll(/^ {4}npx atelier (.*)$/gm)].map((match) => match[1] ?? "");
  expect(lines).toHaveLength(count);
  const name = `studio-${count}`;
  await atelier(`project create ${name}`);
  let keyId = "";
  for (const line of lines) {
    // The number of the key is an example; the project's name must be new for each page.
    const out = await atelier(line.replace(/\bstudio\b/, name).replace(/^(key (?:rotate|revoke)) 7\b/, `$1 ${keyId}`));
    if (line.startsWith("key list")) keyId = /^\s*([0-9]+).*build server/m.exec(out)?.[1] ?? "";
  }
});
