// Every command that the pages on keys, signatures, models and operations show is run as it stands, in the order of the page.

import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";

import { main } from "../../packages/server/src/cli/atelier.ts";
import { createTestDatabase } from "../../packages/server/src/db/test-database.ts";
import type { TestDatabase } from "../../packages/server/src/db/test-database.ts";

const root = join(import.meta.dirname, "../..");
let test: TestDatabase;
let folder: string;
let databaseUrl: string;
beforeAll(async () => {
  test = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "atelier-documented-"));
  const { host, user, database } = test.address;
  databaseUrl = `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`;
  vi.stubEnv("DATABASE_URL", databaseUrl);
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
  // Progress is told on stderr, and so are errors.
  expect({ line, code, err: written.err }).toEqual({ line, code: 0, err: expect.not.stringMatching(/error|warn/i) });
  return written.out;
}

/** The commands that a page shows, without what stands behind them as a comment. */
async function commandsOf(page: string): Promise<string[]> {
  const text = await readFile(join(root, page), "utf8");
  return [...text.matchAll(/^ {4}(?:npx )?atelier (.*)$/gm)].map((match) => (match[1] ?? "").replace(/\s+#.*$/, ""));
}

it.each([
  ["docs/security.md", 6],
  ["docs/signature-v2.md", 1],
])("%s: %i commands", async (page, count) => {
  const lines = await commandsOf(page);
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

it("docs/manifest.md: a manifest and an adapter of one's own are checked, added, listed, shown and removed", async () => {
  const lines = await commandsOf("docs/manifest.md");
  expect(lines).toHaveLength(6);
  const sample = JSON.parse(await readFile(join(root, "models/enlarge.json"), "utf8")) as object;
  await writeFile(join(folder, "mine.json"), JSON.stringify({ ...sample, id: "500", slug: "Mine", aliases: [], cover: "", examples: [] }));
  await mkdir(join(folder, "samples"));
  await copyFile(join(root, "models/samples/gilded-tower.jpg"), join(folder, "samples/gilded-tower.jpg"));
  await copyFile(join(root, "models/adapters/blueprint.safetensors"), join(folder, "my-style.safetensors"));
  const printed: string[] = [];
  for (const line of lines) printed.push(await atelier(line.replace(/ (mine\.json|my-style\.safetensors)/, ` ${folder}/$1`)));
  const [validated = "", added = "", addedAdapter = "", listed = "", shown = "", removed = ""] = printed;
  expect(validated).toMatch(/mine\.json is right: atelier\/mine\n$/);
  expect(added).toContain("atelier/mine is added");
  expect(addedAdapter).toContain("my/my-style is added");
  for (const name of ["arsmachina/baroque-space-opera-v1", "atelier/mine", "my/my-style"]) expect(listed).toContain(name);
  expect(shown).toContain('"weight": 0.8');
  expect(removed.split("\n").filter((text) => /my-style\.(json|safetensors)$/.test(text))).toHaveLength(2);
  expect(await atelier("model list")).not.toContain("my/my-style");
});

it("docs/operations.md: a backup is made and restored into an empty folder, and what retention removes is told", async () => {
  const lines = await commandsOf("docs/operations.md");
  expect(lines).toHaveLength(4);
  const [backup = "", restore = "", ...prune] = lines.map((line) => line.replace("/backups", `${folder}/backups`).replace("./data-new", `${folder}/data-new`));
  await atelier("project create kept");
  expect(await atelier(backup)).not.toBe("");
  // The data folder's own PostgreSQL, as the page says it.
  vi.stubEnv("DATABASE_URL", undefined);
  try {
    await atelier(restore);
    expect(await atelier(`project list --data ${folder}/data-new`)).toContain("kept");
  } finally {
    vi.stubEnv("DATABASE_URL", databaseUrl);
  }
  for (const line of prune) expect(await atelier(line)).not.toBe("");
});

it("README.md: a project is created, and a worker's token", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  for (const line of ["project create studio --json", "worker-token create gpu-1"]) {
    expect(readme).toMatch(new RegExp(`^npx atelier ${line}\\s+#`, "m"));
    expect(await atelier(line)).not.toBe("");
  }
});
